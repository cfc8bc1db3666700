// A map of many nets that a class measures together: a square of cells for each net, side by side.
import { element } from "./class_curves.mjs";
import { paragraph } from "./class_results.mjs";

const side = 300;
const frame = { left: 62, top: 24, right: 8, bottom: 44 };
const signs = ["", "+", "·", "×"]; // as the app's map has them; the place is the fate's number
const kinds = ["none", "learned", "not", "diverged"];
const legend = "+ learned, · did not learn, × diverged; an outlined cell is yours.";

export function mapOf(pool, own = []) {
  const place = document.createElement("div");
  place.append(paragraph(`The class measures a map: ${pool.done} of ${pool.total} parts are done.`));
  const row = document.createElement("div");
  row.className = "bn-class-maps";
  row.append(...pool.nets.map((net) => square(pool, net, own)));
  place.append(row, paragraph(own.length ? legend : legend.replace(/;.*/, ".")));
  return place;
}

function square({ x, y }, { label, fates }, own) {
  const [columns, rows] = [x.values.length, y.values.length];
  const [wide, high] = [side / columns, side / rows];
  const [width, height] = [side + frame.left + frame.right, side + frame.top + frame.bottom];
  const picture = element("svg", { viewBox: `0 0 ${width} ${height}`, class: "bn-curves bn-map", role: "img" });
  const count = (fate) => [...fates].filter((digit) => digit === fate).length;
  const known = fates.length - count("0");
  picture.setAttribute("aria-label", `${label}: of ${known} measured cells ${count("1")} learned, ${count("3")} diverged`);
  const [left, base] = [frame.left, frame.top + side];
  picture.append(element("rect", { x: left, y: frame.top, width: side, height: side, class: "bn-axis" }));
  [...fates].forEach((fate, index) => {
    const at = { x: left + (index % columns) * wide, y: base - (Math.floor(index / columns) + 1) * high };
    const cell = element("rect", { ...at, width: wide, height: high, class: `bn-cell-${kinds[fate]}` });
    const sign = element("text", { x: at.x + wide / 2, y: at.y + 0.72 * high, "text-anchor": "middle" }, signs[fate]);
    sign.style.fontSize = `${Math.min(0.8 * high, 26)}px`;
    if (fate !== "0") picture.append(cell, sign);
    if (own.includes(index)) picture.append(element("rect", { ...at, width: wide, height: high, class: "bn-own" }));
  });
  const middle = { "text-anchor": "middle" };
  const end = { "text-anchor": "end" };
  picture.append(
    element("text", { x: left, y: 15, class: "bn-map-title" }, label),
    element("text", { x: left, y: base + 18 }, x.values[0]),
    element("text", { x: left + side, y: base + 18, ...end }, x.values.at(-1)),
    element("text", { x: left + side / 2, y: base + 36, ...middle }, x.label),
    element("text", { x: left - 6, y: base, ...end }, y.values[0]),
    element("text", { x: left - 6, y: frame.top + 12, ...end }, y.values.at(-1)),
    element("text", { transform: `translate(14 ${frame.top + side / 2}) rotate(-90)`, ...middle }, y.label),
  );
  return picture;
}
