// The letter in front of an answer of the quiz chooses it. Streamlit allows no button the key C, so
// the letters are taken here.
const typing = "input:not([type=range], [type=checkbox], [type=radio], [role=combobox][aria-expanded=false]), textarea, [contenteditable]";

document.addEventListener(
  "keydown",
  (event) => {
    if (!event.isTrusted || isOther(event) || event.target.matches?.(typing)) return;
    const answers = document.querySelectorAll('[class*="st-key-quiz_question_"] button:not(:disabled)');
    const answer = answers[event.key.toLowerCase().charCodeAt(0) - 97];
    if (!answer) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    answer.click();
  },
  true,
);

function isOther({ key, ctrlKey, metaKey, altKey, repeat }) {
  return !/^[a-z]$/i.test(key) || ctrlKey || metaKey || altKey || repeat;
}
