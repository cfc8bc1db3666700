// What a class trains together, on a student's device: its own part, and what comes of all.
import { mapOf } from "./class_map.mjs";
import { poolOf } from "./class_pool.mjs";
import { paragraph } from "./class_results.mjs";

const words = {
  seeds: { take: "Train one of the nets", more: "Train another seed" },
  map: { take: "Train a part of the map", more: "Train another part" },
};
const view = { place: null, part: {}, send: null, open: null };

// `send(body)` asks the server for a part and returns it, or null; `open(link)` makes a link.
export function showPool(place, pool, part, send, open) {
  Object.assign(view, { part, send, open });
  if (!pool) {
    view.place = null;
    return place.replaceChildren();
  }
  if (view.place !== place) build(place);
  const [own, button, drawn] = place.children;
  const state = ownState(pool);
  drawn.replaceChildren(pool.kind === "map" ? mapOf(pool, part.cells) : poolOf(pool, state.accuracies));
  const said = part.name ? `${part.name}: ${state.words} ` : "";
  if (own.dataset.said !== said) own.replaceChildren(said, ...(part.link ? [open(part.link, "Open it in the Lab")] : []));
  own.dataset.said = said;
  button.textContent = words[pool.kind][part.name ? "more" : "take"];
  button.hidden = Boolean(part.name && state.waits) || pool.left === 0;
}

function build(place) {
  view.place = place;
  const own = paragraph("");
  own.setAttribute("role", "status");
  const button = document.createElement("button");
  button.type = "button";
  button.addEventListener("click", () => view.send({}));
  place.replaceChildren(own, button, document.createElement("div"), submission());
}

function submission() {
  const [box, title, form] = ["details", "summary", "form"].map((name) => document.createElement(name));
  title.textContent = "Submit a run by its link";
  const [label, field, button] = ["label", "input", "button"].map((name) => document.createElement(name));
  label.textContent = "Address of the Lab, where you have trained these nets";
  Object.assign(field, { required: true, maxLength: 3000, autocomplete: "off", spellcheck: false, inputMode: "url" });
  button.textContent = "Submit";
  label.append(field);
  form.append(label, button);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (await view.send({ link: field.value })) form.reset();
  });
  box.append(title, form);
  return box;
}

// What has come of this device's part: words, whether it waits, for seeds the accuracies.
function ownState(pool) {
  const { part } = view;
  if (pool.failed.includes(part.part)) return { words: "the server could not train it." };
  const accuracies = pool.seeds ? accuraciesOf(pool) : null;
  const found = pool.seeds ? accuracies : fatesOf(pool);
  if (!found) return { words: "it waits for a worker, or is being trained.", waits: true };
  const said = pool.nets.map((net, i) => `${net.label} ${accuracies ? `${(100 * found[i]).toFixed(1)} %` : found[i]}`);
  return { words: `${said.join("; ")}.`, accuracies };
}

function accuraciesOf({ seeds, nets }) {
  const at = seeds.indexOf(view.part.part);
  return at < 0 ? null : nets.map((net) => net.accuracies[at]);
}

const fates = ["", "learned", "did not learn", "diverged"];

function fatesOf({ nets }) {
  const { cells } = view.part;
  if (!cells || nets.some((net) => cells.some((cell) => net.fates[cell] === "0"))) return null;
  return nets.map((net) => {
    if (cells.length === 1) return fates[net.fates[cells[0]]];
    return `learned in ${cells.filter((cell) => net.fates[cell] === "1").length} of ${cells.length} cells`;
  });
}
