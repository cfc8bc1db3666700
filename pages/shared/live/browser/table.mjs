// The table above the charts: it names each net with the colour, the dash and the marker of its curves.
import { swatch } from "./swatch.mjs";
import { paint } from "./theme.mjs";

const roles = { TABLE: "table", THEAD: "rowgroup", TBODY: "rowgroup", TR: "row", TD: "cell" };

// What belongs to none of its columns stands in a second table, of labels and values.
export function tables(update, palette) {
  const made = table("Results so far", update.head, update.rows, palette);
  made.classList.toggle("bn-grouped", update.head.length > 2);
  const beside = (update.beside ?? []).map((cells) => ({ cells }));
  if (!beside.length) return [made];
  const other = table("Other results", ["measure", update.head[0]], beside, palette);
  other.classList.add("bn-grouped", "bn-beside");
  return [made, other];
}

function table(caption, words, rows, palette) {
  const made = document.createElement("table");
  made.createCaption().textContent = caption;
  const head = made.createTHead().insertRow();
  for (const word of words) head.append(cell("th", word, "col"));
  const body = made.createTBody();
  for (const row of rows) {
    const line = body.insertRow();
    const name = cell("th", row.cells[0], "row");
    if (row.colour) name.prepend(swatch(paint(row.colour, palette), row.dash, row.symbol));
    line.append(name, ...row.cells.slice(1).map((words) => cell("td", words)));
    // A row with fewer cells is a net without these numbers: its last one takes the width of the columns.
    line.lastChild.colSpan = 1 + Math.max(words.length - row.cells.length, 0);
  }
  tellRoles(made);
  return made;
}

// Say what each part of a table is: where styles lay rows out in their own way, a browser no longer does.
export function tellRoles(table) {
  for (const part of [table, ...table.querySelectorAll("thead, tbody, tr, td")]) part.setAttribute("role", roles[part.tagName]);
  for (const head of table.querySelectorAll("th")) head.setAttribute("role", head.scope === "row" ? "rowheader" : "columnheader");
}

function cell(kind, words, scope) {
  const made = document.createElement(kind);
  if (scope) made.scope = scope;
  made.textContent = words;
  return made;
}

// Keep a link beside the table that saves its numbers; it stays while the table is made anew.
export function linkTable(root, address, hasRows) {
  const found = root.querySelector(".bn-csv");
  const link = found ?? Object.assign(document.createElement("a"), { className: "bn-csv", download: "" });
  if (!found) {
    link.textContent = "CSV";
    link.title = "Save this table";
    link.setAttribute("aria-label", "Save this table as CSV");
    root.querySelector(".bn-summary").after(link);
  }
  link.href = address;
  link.hidden = !hasRows;
}
