// The page of a student's device: joins a class, hears of its changes, sends answers.
import { drawingArea } from "./class_curves.mjs";
import { poolOf } from "./class_pool.mjs";
import { showRun } from "./class_run.mjs";
import { letter, paragraph, resultsOf } from "./class_results.mjs";

const styles = document.createElement("link");
styles.rel = "stylesheet";
styles.href = new URL("class_parts.css", import.meta.url);
document.head.append(styles);

const by = (id) => document.getElementById(id);
const stored = "bn-lab.class.";
const patience = 3000; // milliseconds without a connection before the page says so
const most = 15000; // milliseconds between two attempts at most
const root = new URL("lab-files/class/", document.baseURI);
const device = { code: "", student: "", answers: [], state: null, source: null, lostAt: 0, wait: 500 };

by("join").addEventListener("submit", (event) => {
  event.preventDefault();
  join(by("given").value);
});
setInterval(sayConnection, 500);
const given = new URLSearchParams(location.search).get("c") ?? "";
by("given").value = given.slice(0, 12);
if (given) join(given);

async function post(action, body) {
  const url = new URL(`${encodeURIComponent(device.code)}/${action}`, root);
  const response = await fetch(url, { method: "POST", body: JSON.stringify(body) });
  const found = await response.json();
  if (!response.ok) throw Object.assign(new Error(found.words), { status: response.status });
  return found;
}

async function join(code) {
  device.code = code.replace(/\s/g, "").toUpperCase();
  by("problem").textContent = "";
  try {
    const remembered = read(device.code);
    Object.assign(device, await post("students", { student: remembered }));
  } catch (problem) {
    if (!problem.status) return retry(() => join(code));
    by("join").hidden = false;
    by("class").hidden = true;
    by("problem").textContent = problem.message;
    return;
  }
  write(device.code, device.student);
  history.replaceState(null, "", `?c=${device.code}`);
  by("code").textContent = `class ${device.code}`;
  by("join").hidden = true;
  by("class").hidden = false;
  listen();
}

function listen() {
  device.source?.close();
  const url = new URL(`${device.code}/events`, root);
  url.searchParams.set("student", device.student);
  const source = (device.source = new EventSource(url));
  source.onopen = () => Object.assign(device, { lostAt: 0, wait: 500 });
  source.onmessage = ({ data }) => show(JSON.parse(data));
  source.onerror = () => {
    device.lostAt ||= performance.now();
    // A refused stream is not opened anew by the browser: the class may have ended meanwhile.
    if (source.readyState === EventSource.CLOSED && !device.state?.ended) retry(() => join(device.code));
  };
}

function retry(what) {
  device.lostAt ||= performance.now();
  device.wait = Math.min(device.wait * 2, most);
  // Hundreds of devices that lost the same network do not all return in one moment.
  setTimeout(what, device.wait * (0.5 + Math.random()));
}

function sayConnection() {
  const lost = device.lostAt && performance.now() - device.lostAt > patience;
  const words = lost ? "no connection: trying again" : device.state && !device.state.ended ? "connected" : "";
  if (by("connection").textContent !== words) by("connection").textContent = words;
}

const states = {
  wait: "Wait for the teacher's next question.",
  vote: "Answer alone. You may change your answer until the vote is closed.",
  discuss: "The vote is closed. Discuss with your neighbours: why would the others be right?",
  "vote again": "Answer again, with what you know now.",
  reveal: "What the class has answered",
};

function show(state) {
  const before = device.state;
  device.state = state;
  const asked = state.question;
  const isNew = state.number !== before?.number;
  if (isNew && before) device.answers = [];
  if (state.ended) device.source.close();
  by("state").textContent = state.ended ? "The class has ended. Thank you." : states[state.phase];
  by("question").textContent = asked?.text ?? "";
  if (isNew && before && asked) by("question").focus();
  showAnswers(state, asked, isNew || state.phase !== before?.phase);
  const revealed = asked && state.phase === "reveal";
  by("results").replaceChildren(...(revealed ? [resultsOf(asked, device.answers), paragraph(asked.explanation)] : []));
  showRun(by("run"), state.run);
  showSeed(state.pool);
  showLink(state.link);
}

const round = () => (device.state.phase === "vote again" ? 1 : 0);
const isOpen = () => ["vote", "vote again"].includes(device.state.phase);

function showAnswers(state, asked, changed) {
  if (!changed) return;
  by("said").textContent = state.phase === "discuss" || state.phase === "vote again" ? earlier(asked) : "";
  const hidden = !asked || state.phase === "reveal";
  by("choices").replaceChildren(...(hidden ? [] : asked.choices.map(button)));
  by("drawing").replaceChildren(...(hidden || !asked.axes ? [] : [area(asked.axes)]));
  mark();
}

// What was answered first stays in sight while the class discusses it.
function earlier(asked) {
  const first = device.answers[0];
  return typeof first === "number" && asked ? `You answered ${letter(first)} ${asked.choices[first]}.` : "";
}

function button(choice, index) {
  const made = document.createElement("button");
  made.type = "button";
  made.disabled = !isOpen();
  const name = document.createElement("b");
  name.textContent = letter(index);
  made.append(name, choice);
  made.addEventListener("click", () => send(index));
  return made;
}

function area(axes) {
  const last = device.answers[round()] ?? device.answers[0];
  const say = (words) => (by("said").textContent = words);
  const made = drawingArea(axes, Array.isArray(last) ? last : null, say, (curve) => isOpen() && send(curve));
  if (!isOpen()) made.style.pointerEvents = "none";
  return made;
}

function mark() {
  const mine = device.answers[round()] ?? (isOpen() ? null : device.answers[0]);
  [...by("choices").children].forEach((one, index) => one.setAttribute("aria-pressed", index === mine));
}

async function send(answer) {
  const number = device.state.number;
  by("said").textContent = "Sending …";
  try {
    device.answers = (await post("answers", { student: device.student, number, answer })).answers;
    const words = Array.isArray(answer) ? "Your curve is counted." : `Your answer ${letter(answer)} is counted.`;
    if (number === device.state.number) by("said").textContent = words;
  } catch (problem) {
    by("said").textContent = problem.status ? problem.message : "Not sent: no connection. It is tried again.";
    const still = () => number === device.state.number && isOpen();
    if (!problem.status) retry(() => still() && send(answer));
  }
  mark();
}

// Nets that the class trains together: this device asks for one seed, and sees those of all.
function showSeed(pool) {
  if (!pool) device.seed = null;
  if (device.seed && !device.seed.accuracies) askForSeed();
  else drawSeed();
}

function drawSeed() {
  const [place, pool] = [by("pool"), device.state?.pool];
  const focused = place.contains(document.activeElement);
  place.replaceChildren(...(pool ? [poolOf(pool, device.seed?.accuracies), device.seed ? paragraph(seedWords(pool)) : seedButton()] : []));
  if (focused) place.querySelector("button")?.focus();
}

function seedButton() {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = "Train one of the nets";
  made.addEventListener("click", askForSeed);
  return made;
}

function seedWords({ nets, first_seed }) {
  const { number, accuracies } = device.seed;
  const name = `Your seed is ${first_seed + number}`;
  if (!accuracies) return `${name}: it waits for a worker, or is being trained.`;
  return `${name}: ${nets.map((net, i) => `${net.label} ${(100 * accuracies[i]).toFixed(1)} %`).join("; ")}.`;
}

async function askForSeed() {
  try {
    device.seed = await post("seeds", { student: device.student });
  } catch (problem) {
    by("said").textContent = problem.status ? problem.message : "No connection. Try again.";
    return;
  }
  drawSeed();
}

function showLink(link) {
  by("open").replaceChildren();
  if (!link) return;
  const made = document.createElement("a");
  made.href = new URL(link, document.baseURI);
  if (made.origin !== location.origin) return;
  made.target = "_blank";
  made.rel = "noopener";
  made.textContent = "Open what the teacher shows, on this device";
  by("open").append(made);
}

// Some browsers refuse storage: then a reload joins as another student.
function read(code) {
  try {
    return localStorage.getItem(stored + code) ?? "";
  } catch {
    return "";
  }
}

function write(code, student) {
  try {
    localStorage.setItem(stored + code, student);
  } catch {}
}
