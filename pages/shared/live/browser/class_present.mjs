// The class on a projector: over the whole page, in the largest letters with which all of it fits.
import { followShade } from "./class_shade.mjs";

const [smallest, largest] = [11, 64]; // pixels of a letter

const styles = document.createElement("link");
styles.rel = "stylesheet";
styles.href = new URL("class_present.css", import.meta.url);
document.head.append(styles);

const markup = `<header><b class="bn-code"></b><span class="bn-present-link"></span>
<p class="bn-class-counts" role="status"></p><div class="bn-class-phases" role="group" aria-label="Phase of the question"></div>
<button type="button" class="bn-shade"></button><button type="button" class="bn-leave">Leave</button></header>
<main><div><h2 class="bn-class-question"></h2><div class="bn-class-choices"></div>
<div class="bn-class-results" aria-label="Answers of the class"></div></div>
<div class="bn-present-side"><div class="bn-class-pool"></div><div class="bn-class-run"></div>
<img class="bn-present-scan" alt="QR code of the link to join"></div></main>`;

// Show the class large; `closed` is called at the end. Returns the box to draw into.
export async function present({ code, link, picture }, isDark, closed) {
  await document.documentElement.requestFullscreen?.().catch(() => {}); // refused: in the window
  const dialog = document.createElement("dialog");
  dialog.className = "bn-present bn-class";
  dialog.setAttribute("aria-label", "The class, for a projector");
  dialog.innerHTML = markup;
  const part = (name) => dialog.querySelector(name);
  part(".bn-code").textContent = code;
  part(".bn-present-link").textContent = link.replace(/^https?:\/\//, "");
  part(".bn-present-scan").src = picture;
  const paint = (dark) => {
    dialog.dataset.dark = dark;
    part(".bn-shade").textContent = dark ? "Light" : "Dark";
  };
  paint(isDark);
  part(".bn-shade").addEventListener("click", () => {
    paint(dialog.dataset.dark !== "true");
    dialog.dispatchEvent(new Event("shade"));
  });
  part(".bn-leave").addEventListener("click", () => dialog.close());
  const observer = new ResizeObserver(() => fit(dialog));
  dialog.addEventListener("close", () => {
    observer.disconnect();
    dialog.remove();
    if (document.fullscreenElement) document.exitFullscreen().catch(() => {});
    closed();
  });
  document.body.append(dialog);
  dialog.showModal();
  dialog.focus();
  observer.observe(dialog);
  followShade(dialog);
  return dialog;
}

// Choose the largest letters with which nothing is cut off.
export function fit(dialog) {
  const [header, main] = dialog.children;
  header.style.fontSize = `${Math.max(14, Math.min(dialog.clientHeight / 36, dialog.clientWidth / 64))}px`;
  const isWide = [...main.lastElementChild.children].some((child) => child.tagName === "IMG" ? !child.hidden : child.childElementCount);
  main.classList.toggle("bn-two", isWide);
  let [low, high] = [smallest, largest];
  while (high - low > 0.5) {
    const middle = (low + high) / 2;
    main.style.fontSize = `${middle}px`;
    const fits = main.scrollHeight <= main.clientHeight && main.scrollWidth <= main.clientWidth;
    [low, high] = fits ? [middle, high] : [low, middle];
  }
  main.style.fontSize = `${low}px`;
}
