// The accuracies of nets that a class has trained together: one dot for each seed, one row a net.
import { element } from "./class_curves.mjs";
import { paragraph } from "./class_results.mjs";
import { colourOf } from "./class_shade.mjs";

const width = 400;
const rowHeight = 66;
const frame = { left: 12, right: 12 };
const dot = 3.5;
const x = (share) => frame.left + share * (width - frame.left - frame.right);

export function poolOf({ done, asked, nets: unsorted }, own = null) {
  const nets = unsorted.map((net) => ({ ...net, accuracies: [...net.accuracies].sort((a, b) => a - b) }));
  const place = document.createElement("div");
  place.append(paragraph(`The class trains together: ${done} of ${asked} seeds are trained.`));
  if (!done) return place;
  const height = nets.length * rowHeight + 30;
  const picture = element("svg", { viewBox: `0 0 ${width} ${height}`, class: "bn-curves", role: "img" });
  picture.setAttribute("aria-label", nets.map(words).join("; "));
  nets.forEach((net, index) => row(picture, net, index * rowHeight, own?.[index]));
  const ends = [["start", 0, "0"], ["middle", 0.5, "validation accuracy"], ["end", 1, "100 %"]];
  for (const [anchor, share, text] of ends) {
    picture.append(element("text", { x: x(share), y: height - 4, "text-anchor": anchor }, text));
  }
  place.append(picture);
  return place;
}

function row(picture, net, top, own) {
  const base = top + rowHeight - 14;
  picture.append(
    element("text", { x: frame.left, y: top + 13 }, words(net)),
    element("path", { d: `M${x(0)} ${base}H${x(1)}`, class: "bn-axis", opacity: 0.4 }),
  );
  const stacked = {};
  for (const share of net.accuracies) {
    const bin = Math.round(x(share) / (2 * dot));
    stacked[bin] = (stacked[bin] ?? 0) + 1;
    const cy = Math.max(base - dot * (2 * stacked[bin] - 1), top + 18);
    picture.append(element("circle", { cx: x(share), cy, r: dot, fill: colourOf(net), "fill-opacity": 0.75 }));
  }
  const median = x(middleOf(net.accuracies));
  picture.append(element("path", { d: `M${median} ${base + 4}V${top + 17}`, class: "bn-axis", "stroke-width": 2 }));
  if (own != null) picture.append(element("path", { d: `M${x(own)} ${base + 1}l-5 8h10z`, fill: "currentColor" }));
}

function middleOf(sorted) {
  const half = (sorted.length - 1) / 2;
  return (sorted[Math.floor(half)] + sorted[Math.ceil(half)]) / 2;
}

function words({ label, accuracies }) {
  const percent = (share) => (100 * share).toFixed(1);
  const range = `${percent(accuracies[0])} to ${percent(accuracies.at(-1))}`;
  return `${label}: median ${percent(middleOf(accuracies))} % (${range})`;
}
