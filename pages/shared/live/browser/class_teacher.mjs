// The teacher's view of a class: who is there, how many have answered, the phases of a question.
// What it shows comes from the server twice a second; a press goes there at once.
import { mapOf } from "./class_map.mjs";
import { poolOf } from "./class_pool.mjs";
import { fit, present } from "./class_present.mjs";
import { letter, paragraph, resultsOf } from "./class_results.mjs";
import { showRun } from "./class_run.mjs";
import { isDark } from "./class_shade.mjs";
import { stylesReady } from "./theme.mjs";

const pause = 500; // milliseconds between two questions to the server
const root = new URL("lab-files/class/", document.baseURI);
const phases = [
  ["vote", "1 Answer alone"],
  ["discuss", "2 Discuss"],
  ["vote again", "3 Answer again"],
  ["reveal", "4 Show the answers"],
];
const view = { box: null, large: null, data: null, code: "", key: "", shown: null, timer: 0, drawn: "" };

const styles = document.createElement("link");
styles.rel = "stylesheet";
styles.href = new URL("class_parts.css", import.meta.url);
document.head.append(styles);
// A presenter's clicker sends Page Up and Page Down; in a text field they stay what they are.
document.addEventListener("keydown", (event) => {
  const command = { PageDown: "forward", PageUp: "back" }[event.key];
  if (!command || !view.box?.isConnected || event.target.closest?.("textarea, input, select")) return;
  event.preventDefault();
  send(command);
});

export default async function ({ parentElement, data }) {
  await stylesReady;
  Object.assign(view, { box: parentElement.querySelector(".bn-class"), code: data.code, key: data.key });
  view.drawn = "";
  view.data = data;
  clearTimeout(view.timer);
  follow();
}

// Over the page: what is drawn goes there until the teacher leaves it.
async function enlarge() {
  view.large = await present(view.data, isDark(), () => {
    view.large = null;
    redraw();
  });
  view.large.addEventListener("shade", redraw);
  redraw();
}

function redraw() {
  view.drawn = "";
  if (view.shown) show(view.shown);
}

async function follow() {
  clearTimeout(view.timer);
  if (!view.box?.isConnected) return;
  await send("");
  view.timer = setTimeout(follow, pause);
}

async function send(command, more = {}) {
  const url = new URL(`${view.code}/teacher`, root);
  const headers = { "X-Class-Key": view.key };
  try {
    const body = JSON.stringify({ command, ...more });
    const response = await fetch(url, { method: "POST", headers, body });
    const shown = await response.json();
    if (response.ok) show(shown);
    else say(shown.words);
  } catch {
    say("No connection to the server; it is tried again.");
  }
}

function say(words) {
  const counts = part("counts");
  if (counts.textContent !== words) counts.textContent = words;
}

function show(shown) {
  view.shown = shown;
  const [first = 0, second = 0] = shown.voted;
  const votes = shown.phase === "vote again" || second ? `${first} answered, then ${second}` : `${first} answered`;
  say(`${shown.present} here${shown.number ? `; ${votes}` : view.large ? "" : ". Ask a question below."}${shown.open ? "" : "; closed to newcomers"}`);
  const drawn = JSON.stringify([shown.version, shown.phase, shown.open, Boolean(view.large)]);
  if (drawn === view.drawn) return;
  view.drawn = drawn;
  const asked = shown.question;
  part("phases").replaceChildren(...(asked ? phases.map(phaseButton) : []), ...(view.large ? [] : [joinButton(shown.open), button("Present large", enlarge)]));
  part("question").textContent = asked ? `${shown.number}. ${asked.text}` : "";
  const revealed = shown.phase === "reveal";
  part("choices").replaceChildren(...(asked && !revealed ? asked.choices.map(choice) : []));
  part("results").replaceChildren(...(asked && revealed ? results(asked, shown.curves) : []));
  showPool(shown.pool);
  if (!view.large) return;
  showRun(part("run"), shown.run);
  view.large.querySelector("img").hidden = Boolean(asked || shown.pool || shown.run);
  fit(view.large);
}

// On the page itself a map stands below, with its numbers.
function showPool(pool) {
  const drawn = pool?.kind === "seeds" ? [poolOf(pool)] : pool && view.large ? [mapOf(pool)] : [];
  part("pool").replaceChildren(...drawn);
}

const part = (name) => (view.large ?? view.box).querySelector(`.bn-class-${name}`);

function phaseButton([phase, words]) {
  const made = button(words, () => send("go", { phase }));
  made.setAttribute("aria-pressed", phase === view.shown.phase);
  return made;
}

function joinButton(open) {
  return button(open ? "Close to newcomers" : "Let newcomers in", () => send(open ? "close" : "open"));
}

function choice(text, index) {
  return paragraph(`${letter(index)}  ${text}`);
}

function results(asked, curves) {
  const parts = [resultsOf(asked, [], curves)];
  if (asked.choices.length) {
    const row = document.createElement("p");
    row.append(asked.answer === null ? "Mark the right answer, for all to see: " : "Marked as right; another one: ", ...asked.choices.map((_, index) => decided(asked, index)));
    parts.push(row);
  }
  if (asked.explanation) parts.push(paragraph(asked.explanation));
  return parts;
}

function decided(asked, index) {
  const made = button(letter(index), () => send("decide", { answer: index }));
  made.setAttribute("aria-pressed", asked.answer === index);
  return made;
}

function button(words, act) {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = words;
  made.addEventListener("click", act);
  return made;
}
