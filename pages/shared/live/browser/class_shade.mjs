// Whether a picture of a class is drawn on dark ground: on a student's device as the device prefers,
// on the teacher's page as the page is, on a projector as the teacher chose.
const prefersDark = matchMedia("(prefers-color-scheme: dark)");
let followed = null; // an element that says so itself

export function followShade(element) {
  followed = element;
}

export function isDark() {
  if (followed?.isConnected) return followed.dataset.dark === "true";
  const page = document.querySelector(".stApp");
  if (!page) return prefersDark.matches;
  const [red = 255] = (getComputedStyle(page).backgroundColor.match(/[\d.]+/g) ?? []).map(Number);
  return red < 128;
}

export const colourOf = (net) => `rgb(${isDark() ? net.dark : net.light})`;
