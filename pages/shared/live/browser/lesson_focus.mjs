// A press that opens a step of a lesson removes its own button. The focus then goes to the step's
// heading, which a screen reader reads out, and not back to the top of the page.
const presses = '[class*="st-key-opens_step"]';
const heading = ".st-key-lesson_panel .bn-step";

let left = ""; // the step that was shown when the button was pressed

const shown = () => document.querySelector(heading);

const observer = new MutationObserver(() => {
  const now = shown();
  if (!now || now.dataset.step === left) return;
  observer.disconnect();
  now.focus();
});

document.addEventListener("click", ({ target }) => {
  if (!target.closest?.(presses)) return;
  left = shown()?.dataset.step ?? "";
  observer.observe(document.body, { subtree: true, childList: true, characterData: true });
}, true);

// A reader who does something else meanwhile keeps the focus where it is.
for (const name of ["pointerdown", "keydown"]) document.addEventListener(name, () => observer.disconnect(), true);
