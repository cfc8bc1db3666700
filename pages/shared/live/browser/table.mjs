// The table above the charts.
import { paint } from "./theme.mjs";

export function table(update, palette) {
  const made = document.createElement("table");
  made.innerHTML = "<caption>Results so far</caption>";
  const head = made.createTHead().insertRow();
  for (const words of update.head) head.append(cell("th", words, "col"));
  const body = made.createTBody();
  for (const row of update.rows) {
    const line = body.insertRow();
    const name = cell("th", row.cells[0], "row");
    if (row.colour) name.prepend(swatch(paint(row.colour, palette), row.dash));
    line.append(name, ...row.cells.slice(1).map((words) => cell("td", words)));
  }
  return made;
}

function cell(kind, words, scope) {
  const made = document.createElement(kind);
  if (scope) made.scope = scope;
  made.textContent = words;
  return made;
}

function swatch(colour, dash) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const line = document.createElementNS("http://www.w3.org/2000/svg", "line");
  const shape = { x1: 0, y1: 5, x2: 28, y2: 5, stroke: colour, "stroke-width": 3 };
  for (const [name, value] of Object.entries(shape)) line.setAttribute(name, value);
  if (dash !== "solid") line.setAttribute("stroke-dasharray", dash.replaceAll("px", ""));
  svg.setAttribute("aria-hidden", "true");
  svg.append(line);
  return svg;
}
