// The page's script makes a slider anew when its value has changed by itself: the new one gets the
// focus that was on the old one.
const slider = '[role="slider"], input[type="range"]';
let held = null;

document.addEventListener("focusin", ({ target }) => {
  const name = target.matches(slider) ? target.getAttribute("aria-label") : null;
  held = name ? { element: target, name } : null;
});

// Called whenever the script has shown the page; the slider comes with it, or a moment later.
export function keepFocus(tries = 10) {
  if (!held || held.element.isConnected || document.activeElement !== document.body) return;
  const found = [...document.querySelectorAll(slider)].find((one) => one.getAttribute("aria-label") === held.name);
  if (found) found.focus({ preventScroll: true });
  else if (tries) requestAnimationFrame(() => keepFocus(tries - 1));
}
