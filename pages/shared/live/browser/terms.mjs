// Escape hides the meaning of a term that is pointed at or focused, until the pointer or the focus
// moves on; the styles of the page show it.
const page = document.documentElement;

document.addEventListener("keydown", ({ key }) => {
  if (key === "Escape" && document.querySelector(".bn-term:is(:hover, :focus)")) page.classList.add("bn-hush");
});

for (const name of ["pointermove", "focusin"]) {
  document.addEventListener(name, ({ target }) => {
    if (!target.closest?.(".bn-term")) page.classList.remove("bn-hush");
  });
}
