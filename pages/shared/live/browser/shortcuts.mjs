// The page's shortcut keys, also where a slider or a list that is closed has the focus: Streamlit
// leaves out every event of an input element, and such a list would open to search for the letter.
const notText = "input:is([type=range], [type=checkbox], [type=radio]), select, input[role=combobox][aria-expanded=false]";

document.addEventListener(
  "keydown",
  (event) => {
    if (!event.isTrusted || !isShortcut(event) || !event.target.matches?.(notText)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    const { key, code, keyCode } = event;
    document.body.dispatchEvent(new KeyboardEvent("keydown", { key, code, keyCode, which: keyCode, bubbles: true }));
  },
  true,
);

// A button that has a shortcut shows it.
function isShortcut({ key, ctrlKey, metaKey, altKey, repeat }) {
  if (!/^[a-z]$/i.test(key) || ctrlKey || metaKey || altKey || repeat) return false;
  return document.querySelector(`kbd[aria-label="Shortcut ${key.toUpperCase()}"]`) !== null;
}
