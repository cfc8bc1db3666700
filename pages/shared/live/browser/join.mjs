// The page of a student's device: joins a class, shows its state, sends answers.
import { ask, isLost, listen } from "./class_connection.mjs";
import { drawingArea } from "./class_curves.mjs";
import { showPool } from "./class_part.mjs";
import { letter, paragraph, resultsOf } from "./class_results.mjs";
import { showRun } from "./class_run.mjs";

const styles = document.createElement("link");
styles.rel = "stylesheet";
styles.href = new URL("class_parts.css", import.meta.url);
document.head.append(styles);

const by = (id) => document.getElementById(id);
const stored = "bn-lab.class.";
const device = { code: "", student: "", answers: [], part: {}, state: null, joins: 0 };
let leave = () => {}; // ends the stream of states

by("join").addEventListener("submit", (event) => {
  event.preventDefault();
  join(by("given").value);
});
setInterval(sayConnection, 500);
const given = new URLSearchParams(location.search).get("c") ?? "";
by("given").value = given.slice(0, 12);
if (given) join(given);

async function join(code) {
  leave();
  const attempt = ++device.joins; // a later one, with another code, ends this one
  device.code = code.replace(/[^a-z0-9]/gi, "").toUpperCase();
  if (!device.code) return showForm("A code is made of letters and digits: it stands on the teacher's screen.");
  say("problem", "");
  try {
    const answer = await ask(
      device.code,
      "students",
      { student: read(device.code) },
      () => attempt === device.joins,
      () => say("problem", "No connection to the class; it is tried again."),
    );
    if (!answer || attempt !== device.joins) return;
    Object.assign(device, answer);
  } catch (problem) {
    if (attempt === device.joins) showForm(problem.message);
    return;
  }
  say("problem", "");
  write(device.code, device.student);
  history.replaceState(null, "", `?c=${device.code}`);
  say("code", `class ${device.code}`);
  by("join").hidden = true;
  by("class").hidden = false;
  leave = listen(device.code, device.student, show, () => device.state?.ended || join(device.code));
}

// Another tab of this browser may have answered meanwhile: both are one student.
document.addEventListener("visibilitychange", async () => {
  if (document.hidden || !device.student || !device.state || device.state.ended) return;
  const { joins, state } = device;
  const still = () => joins === device.joins && state.number === device.state?.number;
  const answer = await ask(device.code, "students", { student: device.student }, still).catch(() => null);
  if (!answer || !still()) return; // a class that has gone is told by its stream
  Object.assign(device, { student: answer.student, answers: answer.answers, part: answer.part });
  mark();
  drawPool();
});

function showForm(words) {
  by("join").hidden = false;
  by("class").hidden = true;
  say("code", "");
  say("problem", words);
  device.state = null;
  by("given").focus();
}

function say(id, words) {
  if (by(id).textContent !== words) by(id).textContent = words;
}

function sayConnection() {
  const present = device.state && !device.state.ended;
  say("connection", isLost() ? "no connection: trying again" : present ? "connected" : "");
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
  if (!state.pool) device.part = {};
  if (state.ended) leave();
  say("state", state.ended ? "The class has ended. Thank you." : states[state.phase]);
  say("question", asked?.text ?? "");
  if (isNew && before && asked) by("question").focus();
  showAnswers(state, asked, isNew || state.phase !== before?.phase);
  const revealed = asked && state.phase === "reveal";
  by("results").replaceChildren(...(revealed ? [resultsOf(asked, device.answers), paragraph(asked.explanation)] : []));
  showRun(by("run"), state.run);
  placeRun(state);
  drawPool();
  by("open").replaceChildren(...(state.link ? [labLink(state.link, "Open the nets that the teacher gave")] : []));
  if (state.link && state.run?.given === false) by("open").append(paragraph("The teacher's run shows other nets."));
}

// While a vote is open the question comes first; else a run that trains does.
function placeRun({ run }) {
  const [place, state] = [by("run"), by("state")];
  if (isOpen()) by("class").lastElementChild !== place && by("class").append(place);
  else if (run?.words.endsWith("training") && state.nextElementSibling !== place) state.after(place);
}

const round = () => (device.state.phase === "vote again" ? 1 : 0);
const isOpen = () => ["vote", "vote again"].includes(device.state.phase);

function showAnswers(state, asked, changed) {
  if (!changed) return;
  say("said", earlier(state.phase, asked));
  const hidden = !asked || state.phase === "reveal";
  by("choices").replaceChildren(...(hidden ? [] : asked.choices.map(button)));
  by("drawing").replaceChildren(...(hidden || !asked.axes ? [] : [area(asked.axes), ...keeping()]));
  mark();
}

// What was answered first stays in sight while the class discusses it, and answers again.
function earlier(phase, asked) {
  const [first, second] = device.answers;
  if (!asked || (phase !== "discuss" && phase !== "vote again") || typeof second === "number") return "";
  const keep = phase === "vote again" ? ` Answer again, or tap ${letter(first)} to keep it.` : "";
  return typeof first === "number" ? `Your first answer: ${letter(first)}.${keep}` : "";
}

// The first curve is shown in the second round as well, but is counted there only when it is sent.
function keeping() {
  const [first, second] = device.answers;
  if (round() === 0 || !Array.isArray(first) || second) return [];
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = "Keep my first curve";
  made.addEventListener("click", () => send(first));
  return [paragraph("This is your first curve. Change it, or keep it."), made];
}

function button(choice, index) {
  const made = document.createElement("button");
  made.type = "button";
  made.disabled = !isOpen();
  const name = document.createElement("b");
  name.textContent = letter(index);
  made.append(name, choice, document.createElement("i"));
  made.addEventListener("click", () => send(index));
  return made;
}

function area(axes) {
  const last = device.answers[round()] ?? device.answers[0];
  const made = drawingArea(axes, Array.isArray(last) ? last : null, (words) => say("said", words), (curve) => isOpen() && send(curve));
  if (!isOpen()) made.style.pointerEvents = "none";
  return made;
}

function mark() {
  const mine = device.answers[round()] ?? (isOpen() ? null : device.answers[0]);
  const first = device.state.phase === "vote again" ? device.answers[0] : null;
  [...by("choices").children].forEach((one, index) => {
    one.setAttribute("aria-pressed", index === mine);
    one.lastChild.textContent = index === first ? "your first answer" : "";
  });
}

let sending = 0;

async function send(answer) {
  const { number, phase } = device.state;
  const turn = ++sending; // of two answers that wait for a connection the last one counts
  const still = () => turn === sending && number === device.state.number && phase === device.state.phase;
  say("said", "Sending …");
  try {
    const body = { student: device.student, number, answer };
    const counted = await ask(device.code, "answers", body, still, () => say("said", "Not sent: no connection. It is tried again."));
    if (counted && number === device.state.number) device.answers = counted.answers;
    const words = Array.isArray(answer) ? "Your curve is counted." : `Your answer ${letter(answer)} is counted.`;
    if (turn === sending) say("said", counted ? words : "Too late: your last answer did not arrive.");
  } catch (problem) {
    say("said", problem.message);
  }
  mark();
}

function drawPool() {
  showPool(by("pool"), device.state?.pool, device.part, train, labLink);
}

// Have the server train a part of what the class trains, or what a link of this student's names.
async function train(body) {
  say("said", "");
  try {
    const still = () => Boolean(device.state.pool);
    const waiting = () => say("said", "No connection. It is tried again.");
    const part = await ask(device.code, "parts", { student: device.student, ...body }, still, waiting);
    say("said", "");
    if (part) device.part = part;
    drawPool();
    return part;
  } catch (problem) {
    say("said", problem.message);
    return null;
  }
}

// The Lab is the app's first page. It learns of which class it was opened, so that runs can be
// submitted from there.
function labLink(query, words) {
  const made = document.createElement("a");
  const link = new URL("./", document.baseURI);
  link.search = query;
  link.searchParams.set("class", device.code);
  made.href = link;
  made.target = "_blank";
  made.className = "bn-open";
  made.textContent = words;
  return made;
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
