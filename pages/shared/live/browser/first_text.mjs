// Takes away the first words, which came with the page's HTML, once the app shows them itself: in the
// same frame and at the same place. Until then they have the colour of the app's theme, and the app
// keeps their place free: what it shows of itself comes in parts.
const words = document.querySelector(".bn-first-words");
const shown = ["h1", "[data-testid=stAlert]", "[data-testid=stException]"];
const place = document.documentElement.style;

function look() {
  const app = document.querySelector("[data-testid=stApp]");
  if (!app) return;
  words.style.color ||= getComputedStyle(app).color;
  if (!app.querySelector(`[data-testid=stMain] :is(${shown})`)) return;
  watch.disconnect();
  size.disconnect();
  place.removeProperty("--bn-words");
  words.remove();
}

// Their font may come after them, and windows change.
const size = new ResizeObserver(([entry]) => {
  place.setProperty("--bn-words", `${entry.contentRect.height}px`);
});
const watch = new MutationObserver(look);
if (words) {
  size.observe(words);
  watch.observe(document.body, { childList: true, subtree: true });
  look();
}
