// One press of Back leaves a page: what a page writes into its address by itself, before the reader
// has done anything there, replaces the entry by which the reader came. Streamlit adds an entry for
// every address that a script writes, and offers no other way.
const add = window.history.pushState.bind(window.history);
const soon = 1000; // milliseconds
let untouched = true;
let written = null; // what was last written into the address of the same page

for (const kind of ["pointerdown", "keydown", "input", "change"]) {
  window.addEventListener(kind, () => (untouched = false), true);
}
window.addEventListener("popstate", () => (untouched = true), true);

window.history.pushState = (state, title, address) => {
  const asked = new URL(address ?? "", window.location.href);
  const isSamePage = asked.pathname === window.location.pathname;
  const replaces = isSamePage ? untouched : wasForTheNextPage(asked);
  if (replaces) window.history.replaceState(state, title, address);
  else add(state, title, address);
  untouched ||= !isSamePage;
  written = isSamePage ? { search: asked.search, at: performance.now() } : null;
};

// Streamlit may write what the next page asks for before it changes the page's name in the address.
function wasForTheNextPage(asked) {
  return Boolean(asked.search) && written?.search === asked.search && performance.now() - written.at < soon;
}
