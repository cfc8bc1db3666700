// On a narrow screen the menu of pages lies over the page: it closes once a page has been chosen.
const narrow = window.matchMedia("(max-width: 768px)");

document.addEventListener("click", ({ target }) => {
  if (!narrow.matches || !target.closest?.('[data-testid="stSidebarNavLink"]')) return;
  document.querySelector('[data-testid="stSidebarCollapseButton"] button')?.click();
});
