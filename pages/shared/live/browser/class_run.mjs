// The teacher's run on a student's device: its curves as they grow, and a slider to go back in it.
import { element, number } from "./class_curves.mjs";
import { paragraph } from "./class_results.mjs";
import { colourOf } from "./class_shade.mjs";

const width = 400;
const height = 170;
const frame = { left: 40, right: 8, top: 20, bottom: 24 };
const at = { index: null }; // the measured step the student looks at; null is the newest
let shown = null;

export function showRun(place, run) {
  if (!run?.steps.length || run.steps.at(-1) < (shown?.steps.at(-1) ?? 0)) at.index = null; // another run
  shown = run;
  if (!run) {
    place.replaceChildren();
    return;
  }
  if (!run.steps.length) {
    const title = document.createElement("h2");
    title.textContent = `The teacher's run, ${run.words}`;
    place.replaceChildren(title, paragraph(run.nets.map((net) => net.label).join("; ")));
    return;
  }
  if (!place.querySelector("input")) build(place);
  draw(place);
}

function build(place) {
  const slider = document.createElement("input");
  Object.assign(slider, { type: "range", min: 0 });
  slider.setAttribute("aria-label", "Go back to a measured step");
  slider.addEventListener("input", () => {
    at.index = Number(slider.value) >= shown.steps.length - 1 ? null : Number(slider.value);
    draw(place);
  });
  const charts = document.createElement("div");
  const table = document.createElement("table");
  const title = document.createElement("h2");
  const words = paragraph("");
  words.setAttribute("role", "status");
  table.className = "bn-run-numbers";
  place.replaceChildren(title, charts, slider, paragraph(""), table, words);
}

function draw(place) {
  const index = Math.min(at.index ?? Infinity, shown.steps.length - 1);
  const [title, charts, slider, where, table, words] = place.children;
  title.textContent = `The teacher's run, ${shown.words}`;
  Object.assign(slider, { max: shown.steps.length - 1, value: index });
  charts.replaceChildren(
    chart("Validation loss (nats), median over seeds", "loss", shown.top, index),
    chart("Validation accuracy (%), median over seeds", "accuracy", 1, index),
  );
  const step = number(shown.steps[index]);
  where.textContent = at.index === null ? "Slide to go back in it, on this device alone." : `You look at step ${step}; others choose their own.`;
  const head = row("th", ["Net", "Loss", "Accuracy"]);
  table.replaceChildren(head, ...shown.nets.map((net) => numbers(net, index)));
  const said = shown.words.endsWith("training") ? "" : shown.conclusion;
  if (words.textContent !== said) words.textContent = said;
}

function chart(title, name, top, index) {
  const last = Math.max(shown.steps.at(-1), 1);
  const x = (step) => frame.left + (step / last) * (width - frame.left - frame.right);
  const y = (value) => height - frame.bottom - (Math.min(value, top) / top) * (height - frame.top - frame.bottom);
  const picture = element("svg", { viewBox: `0 0 ${width} ${height}`, class: "bn-curves", role: "img", "aria-label": title });
  const end = { "text-anchor": "end" };
  picture.append(
    element("text", { x: frame.left, y: 13 }, title),
    element("path", { d: `M${x(0)} ${y(top)}V${y(0)}H${x(last)}`, class: "bn-axis" }),
    element("text", { x: frame.left - 5, y: y(top) + 10, ...end }, name === "loss" ? number(top) : "100"),
    element("text", { x: frame.left - 5, y: y(0), ...end }, "0"),
    element("text", { x: x(last), y: height - 8, ...end }, `step ${number(last)}`),
    element("path", { d: `M${x(shown.steps[index])} ${y(top)}V${y(0)}`, class: "bn-axis", "stroke-dasharray": "2 3" }),
  );
  for (const net of shown.nets) {
    const points = net[name].flatMap((value, i) => (value === null ? [] : [`${x(shown.steps[i]).toFixed(1)} ${y(value).toFixed(1)}`]));
    const line = { d: `M${points.join("L")}`, fill: "none", stroke: colourOf(net), "stroke-width": 2.5, "stroke-dasharray": net.dash };
    if (points.length > 1) picture.append(element("path", line));
  }
  return picture;
}

function numbers(net, index) {
  const loss = net.loss[index] === null ? "diverged" : net.loss[index].toFixed(3);
  const accuracy = net.accuracy[index] === null ? "" : `${(100 * net.accuracy[index]).toFixed(1)} %`;
  const made = row("td", [net.label, loss, accuracy]);
  const swatch = element("svg", { viewBox: "0 0 30 8", width: 30, height: 8, "aria-hidden": true });
  swatch.append(element("path", { d: "M0 4H30", stroke: colourOf(net), "stroke-width": 3, "stroke-dasharray": net.dash }));
  made.firstChild.prepend(swatch, " ");
  return made;
}

function row(kind, texts) {
  const made = document.createElement("tr");
  for (const text of texts) {
    const cell = document.createElement(kind);
    cell.textContent = text;
    made.append(cell);
  }
  return made;
}
