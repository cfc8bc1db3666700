// One press of Back leaves a page: what a page writes into its address by itself, before the reader
// has done anything there, replaces the entry by which the reader came. Streamlit adds an entry for
// every address that a script writes, and offers no other way.
const add = window.history.pushState.bind(window.history);
let untouched = true;

for (const kind of ["pointerdown", "keydown", "input", "change"]) {
  window.addEventListener(kind, () => (untouched = false), true);
}
window.addEventListener("popstate", () => (untouched = true), true);

window.history.pushState = (state, title, address) => {
  const isSamePage = new URL(address ?? "", window.location.href).pathname === window.location.pathname;
  if (isSamePage && untouched) return window.history.replaceState(state, title, address);
  add(state, title, address);
  untouched ||= !isSamePage;
};
