// The table of kept runs: sorted by its headings, with names and notes to be written in place.
// Everything in it is text that a reader or a file has brought: it is never read as HTML.
import { tellRoles } from "./table.mjs";
import { paint, palettesReady, isDark, stylesReady } from "./theme.mjs";

const shown = new WeakMap();
const largestFile = 2_000_000; // bytes; Python bounds its characters again
const dates = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

export default async function (component) {
  const { parentElement, data } = component;
  const [palettes] = await Promise.all([palettesReady, stylesReady]);
  const root = parentElement.querySelector(".bn-runs");
  if (!root || !data) return;
  const palette = palettes[isDark(root) ? "dark" : "light"];
  const ask = (kind, id, text) => component.setTriggerValue("asked", { kind, id, text });
  wireImport(root, ask);
  const text = JSON.stringify([data, palette.text]);
  if (shown.get(root)?.text === text) {
    shown.get(root).ask = ask;
    return;
  }
  const held = { text, ask };
  shown.set(root, held);
  const focus = remember(root);
  root.querySelector(".bn-runs-table").hidden = !data.rows.length;
  root.querySelector(".bn-runs-table").replaceChildren(table(data, palette, (...all) => held.ask(...all)));
  recall(root, focus);
}

function table(data, palette, ask) {
  const made = element("table");
  made.createCaption().textContent = data.caption;
  const head = made.createTHead().insertRow();
  head.append(heading("In the charts"));
  for (const column of data.columns) {
    if (column.key === "accuracy") head.append(heading("Nets"));
    head.append(sortHeading(column, data.sort, ask));
  }
  head.append(heading("Do"));
  for (const row of data.rows) fill(made.createTBody(), row, data, palette, ask);
  tellRoles(made);
  return made;
}

function heading(words) {
  const cell = element("th", words);
  cell.scope = "col";
  return cell;
}

function sortHeading({ key, label }, sort, ask) {
  const cell = heading("");
  const active = sort.replace(/^-/, "") === key;
  const falling = sort.startsWith("-");
  if (active) cell.setAttribute("aria-sort", falling ? "descending" : "ascending");
  const button = control("button", label + (active ? (falling ? " ↓" : " ↑") : ""), `sort.${key}`);
  button.title = `Sort by ${label}`;
  button.onclick = () => ask("sort", "", key);
  cell.append(button);
  return cell;
}

// A run takes two lines: its numbers, and below them what came out and the reader's note.
function fill(body, row, data, palette, ask) {
  body.dataset.run = row.id;
  let line = body.insertRow();
  const add = (label, ...parts) => {
    const cell = line.insertCell();
    cell.dataset.label = label;
    cell.append(...parts);
    return cell;
  };
  add("In the charts", chooser(row, palette, ask));
  add("Name", nameField(row, data, ask));
  add("Kept", dates.format(row.kept_at * 1000));
  add("Steps", row.steps);
  row.settings.forEach((value, i) => add(data.columns[data.settings_from + i].label, value));
  add("Nets", lines(row.nets.map((net) => (net.state ? `${net.label}: ${net.state}` : net.label))));
  add("Accuracy", lines(row.nets.map((net) => net.accuracy)));
  add("Loss", lines(row.nets.map((net) => net.loss)));
  add("Do", openLink(row, ask), deleteButton(row, ask));
  const columns = line.cells.length;
  line = body.insertRow();
  const below = Math.ceil(columns / 2);
  add("What came out", row.conclusion).colSpan = columns - below;
  add("Note", noteField(row, data, ask)).colSpan = below;
}

function chooser(row, palette, ask) {
  const label = element("label");
  const box = control("input", "", `${row.id}.show`);
  box.type = "checkbox";
  box.checked = row.letter !== "";
  box.setAttribute("aria-label", `Show “${row.name}” in the charts`);
  box.onchange = () => ask(box.checked ? "show" : "hide", row.id);
  label.append(box);
  if (row.letter) {
    const badge = element("b", row.letter);
    badge.style.borderColor = paint(row.colour, palette);
    label.append(badge);
  }
  return label;
}

function nameField(row, data, ask) {
  const field = textField(row, "title", data.longest_title, `Name of “${row.name}”`);
  field.placeholder = "Add a name";
  field.onchange = () => ask("rename", row.id, field.value);
  return field;
}

function noteField(row, data, ask) {
  const field = textField(row, "note", data.longest_note, `Note on “${row.name}”`);
  field.placeholder = "Add a note";
  field.onchange = () => ask("note", row.id, field.value);
  return field;
}

function textField(row, name, longest, label) {
  const field = control("input", "", `${row.id}.${name}`);
  Object.assign(field, { type: "text", value: row[name], maxLength: longest, title: row[name] });
  field.setAttribute("aria-label", label);
  return field;
}

// A true link, for a new tab as well; a plain click stays in this page's session.
function openLink(row, ask) {
  const link = control("a", "Open", `${row.id}.open`);
  link.href = new URL(`./?${row.link}`, document.baseURI);
  link.setAttribute("aria-label", `Open “${row.name}” in the Lab`);
  link.onclick = (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    ask("open", row.id);
  };
  return link;
}

function deleteButton(row, ask) {
  const button = control("button", "Delete", `${row.id}.delete`);
  button.setAttribute("aria-label", `Delete “${row.name}”`);
  button.onclick = () => ask("delete", row.id);
  return button;
}

function lines(texts) {
  const box = element("div");
  box.append(...texts.map((text) => element("div", text)));
  return box;
}

function element(name, text = "") {
  const made = document.createElement(name);
  made.textContent = text;
  return made;
}

// `place` finds the control again after the table was made anew.
function control(name, text, place) {
  const made = element(name, text);
  made.dataset.place = place;
  if (name === "button") made.type = "button";
  return made;
}

// What the reader writes meanwhile stays in its field.
function remember(root) {
  const active = root.contains(document.activeElement) ? document.activeElement : null;
  if (!active?.dataset.place) return null;
  const written = active.type === "text" && active.value !== active.defaultValue;
  return { place: active.dataset.place, value: written ? active.value : null };
}

function recall(root, focus) {
  if (!focus) return;
  const found = [...root.querySelectorAll("[data-place]")].find((one) => one.dataset.place === focus.place);
  // Where it is gone, as after a deletion, the next best is the first control of the table.
  (found ?? root.querySelector("[data-place]"))?.focus();
  if (found && focus.value !== null) found.value = focus.value;
}

function wireImport(root, ask) {
  const field = root.querySelector(".bn-import");
  field.onchange = async () => {
    const file = field.files[0];
    if (!file) return;
    // A text that is too long is refused with a sentence, like one that holds no runs.
    ask("import", "", file.size > largestFile ? "" : await file.text());
    field.value = "";
  };
}
