// A computation as tables, step by step; the value under the pointer or the focus lights up its
// terms, and its formulas stand below with the numbers filled in.
import { stylesReady } from "./theme.mjs";

const shown = new WeakMap();

export default async function ({ parentElement, data }) {
  await stylesReady;
  const root = parentElement.querySelector(".bn-steps");
  const text = JSON.stringify(data);
  if (shown.get(root) === text) return;
  shown.set(root, text);
  const tables = root.querySelector(".bn-tables");
  tables.replaceChildren(...data.stages.map((stage) => table(stage, data.columns)));
  for (const cell of tables.querySelectorAll("td")) {
    const choose = () => light(root, data, Number(cell.dataset.row), Number(cell.dataset.column));
    cell.addEventListener("pointerenter", choose);
    cell.addEventListener("focus", choose);
    cell.addEventListener("click", choose);
    cell.addEventListener("keydown", (event) => move(event, cell, data));
  }
  light(root, data, 0, 0);
}

function table(stage, columns) {
  const made = document.createElement("table");
  made.dataset.stage = stage.name;
  made.createCaption().innerHTML = `<b></b> <span></span>`;
  made.caption.querySelector("b").textContent = stage.symbol;
  made.caption.querySelector("span").textContent = stage.words;
  const head = made.createTHead().insertRow();
  for (const words of columns) {
    const cell = document.createElement("th");
    cell.scope = "col";
    cell.textContent = words;
    head.append(cell);
  }
  const body = made.createTBody();
  stage.values.forEach((row, n) => {
    const line = body.insertRow();
    row.forEach((value, c) => {
      const cell = line.insertCell();
      cell.textContent = rounded(value);
      cell.title = String(value);
      cell.tabIndex = n || c ? -1 : 0;
      Object.assign(cell.dataset, { row: n, column: c });
    });
  });
  return made;
}

function rounded(value) {
  const size = Math.abs(value);
  if (size < 1e-12) return "0";
  return size >= 1e5 || size < 1e-3 ? value.toExponential(1) : Number(value.toPrecision(4)).toString();
}

// Arrow keys walk through a table, Tab goes to the next one.
function move(event, cell, data) {
  const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
  if (!step) return;
  event.preventDefault();
  const [row, column] = [Number(cell.dataset.row) + step[0], Number(cell.dataset.column) + step[1]];
  const next = cell.closest("table").querySelector(`[data-row="${row}"][data-column="${column}"]`);
  next?.focus();
}

function light(root, data, row, column) {
  for (const cell of root.querySelectorAll("td")) {
    const [n, c] = [Number(cell.dataset.row), Number(cell.dataset.column)];
    const single = cell.closest("tbody").rows.length === 1;
    cell.classList.toggle("bn-chosen", c === column && (single || n === row));
    cell.classList.toggle("bn-part", c === column && !single && n !== row);
  }
  const lines = data.lines[row]?.[column] ?? [];
  root.querySelector(".bn-lines").replaceChildren(
    ...lines.map((words) => Object.assign(document.createElement("div"), { textContent: words })),
  );
}
