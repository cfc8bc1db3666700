// What a class has answered, once it is shown: both rounds side by side.
import { axesOf, element, path } from "./class_curves.mjs";

export const letter = (index) => String.fromCharCode(65 + index);

// `question` as the server describes it, with its results; `mine` are the answers of this device.
export function resultsOf(question, mine = [], curves = []) {
  return question.axes ? drawn(question, mine, curves) : counted(question, mine);
}

function counted({ choices, results, answer }, mine) {
  const table = document.createElement("table");
  table.className = "bn-answers";
  const rounds = results.map((counts) => counts.reduce((sum, count) => sum + count, 0));
  const shown = rounds.flatMap((total, round) => (total ? [round] : []));
  const head = table.insertRow();
  head.append(cell("th", "Answer"), ...shown.map((round) => cell("th", title(round, rounds[round]))));
  choices.forEach((choice, index) => {
    const row = table.insertRow();
    const name = cell("th", `${letter(index)} ${choice}${index === answer ? " ✓ right" : ""}`);
    name.scope = "row";
    row.className = index === answer ? "bn-right" : "";
    row.append(name);
    for (const round of shown) row.append(bar(results[round][index], rounds[round], round, mine[round] === index));
  });
  if (!shown.length) return paragraph("Nobody has answered.");
  return table;
}

const title = (round, total) => `${round ? "Second" : "First"} vote (${total})`;

function bar(count, total, round, isMine) {
  const share = total ? count / total : 0;
  const made = document.createElement("td");
  made.className = round ? "bn-second" : "bn-first";
  const line = document.createElement("div");
  line.className = "bn-bar";
  const drawn = document.createElement("i");
  drawn.style.width = `${(45 * share).toFixed(1)}%`;
  line.append(drawn, `${Math.round(100 * share)} %${isMine ? ", you" : ""}`);
  made.append(line);
  return made;
}

function drawn({ axes, results, truth }, mine, curves) {
  const place = document.createElement("div");
  const round = results[1]?.length ? 1 : 0;
  const picture = axesOf(axes);
  const bands = results[round];
  const legend = [];
  if (bands?.length) {
    const median = bands.length > 1 ? bands[1] : bands[0]; // of a few curves the median alone
    if (bands.length > 1) picture.append(element("path", { d: path(bands[0]) + wayBack(bands[2]), class: "bn-band" }));
    for (const curve of curves[round] ?? []) picture.append(element("path", { d: path(curve), class: "bn-one" }));
    picture.append(element("path", { d: path(median), class: "bn-median" }));
    legend.push("dashed: median of the class");
    if (bands.length > 1) legend.push("shaded: four fifths of the class");
    if (curves[round]?.length) legend.push("thin: each student's");
  }
  const own = mine.findLast((curve) => Array.isArray(curve));
  if (own) picture.append(element("path", { d: path(own), class: "bn-mine" })), legend.push("dotted: yours");
  if (truth?.length) picture.append(element("path", { d: path(truth), class: "bn-truth" })), legend.push("solid: measured");
  picture.setAttribute("aria-label", legend.join("; "));
  place.append(picture, paragraph(legend.join("; ") || "Nobody has drawn a curve."));
  return place;
}

// The way back along the upper edge of a band, from its last point to its first.
function wayBack(high) {
  const forth = path(high).split(/[ML]/).filter(Boolean);
  return `L${forth.reverse().join("L")}Z`;
}

function cell(name, text) {
  const made = document.createElement(name);
  made.textContent = text;
  return made;
}

export function paragraph(text) {
  return cell("p", text);
}
