// Draws the nets that came with the page's HTML where the app will draw them, and takes them away in
// the frame in which it has, or in which it turns out to show something else.
import { NetDiagram } from "./diagram.mjs";
import { isDark, stylesReady } from "./theme.mjs";

const place = document.querySelector(".bn-first-nets");
const drawn = "#root .bn-lane";
const another = "#root :is([data-testid=stAlert], [data-testid=stException])";

async function draw() {
  const { palettes, ...update } = JSON.parse(place.querySelector("script").textContent);
  await stylesReady;
  const ignore = () => {}; // the drawing is inert
  new NetDiagram(place, ignore, ignore).show(update, palettes[isDark(place) ? "dark" : "light"]);
}

// The app may be wider or lower than was thought, as with a lesson beside it.
function follow() {
  const main = document.querySelector("#root [data-testid=stMain]");
  const isAnotherPage = main?.querySelector("h1") && !main.querySelector(".st-key-lab_words");
  if (isAnotherPage || document.querySelector(`${drawn}, ${another}`)) {
    place.remove();
    return;
  }
  const box = main?.querySelector(".bn-live")?.getBoundingClientRect();
  if (box?.width) place.style.padding = `${box.top}px ${innerWidth - box.right}px 0 ${box.left}px`;
  requestAnimationFrame(follow);
}

if (place) {
  follow();
  draw();
}
