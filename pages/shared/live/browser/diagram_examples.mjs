// A few examples of the data: small images, or the points of a plane.
import { svg } from "./diagram_parts.mjs";
import { paint } from "./theme.mjs";

const side = 60;

export function drawExamples(button, examples, chosen, palette) {
  button.disabled = !examples.truths.length;
  if (button.disabled) return showNoExamples(button);
  const truth = examples.classes[examples.truths[chosen]];
  button.title = "The example whose predicted classes stand at the right; press for the next one";
  button.setAttribute("aria-label", `Example ${chosen + 1} of ${examples.truths.length}, class ${truth}; ${examples.words}`);
  const box = svg("svg", { viewBox: `0 0 ${side} ${side}`, "aria-hidden": "true" });
  if (examples.kind === "image") drawImages(box, examples.images, chosen);
  if (examples.kind === "plane") drawPoints(box, examples, chosen, palette);
  const words = document.createElement("span");
  words.textContent = examples.words;
  button.replaceChildren(box, words);
}

// Before the data are loaded their place is kept.
function showNoExamples(button) {
  button.title = "Examples of the data: they are being loaded";
  button.setAttribute("aria-label", button.title);
  button.replaceChildren(svg("svg", { viewBox: `0 0 ${side} ${side}`, "aria-hidden": "true" }), "\u00a0");
}

function drawImages(box, images, chosen) {
  const half = side / 2;
  images.forEach((image, index) => {
    const dot = (half - 4) / image.length;
    const [left, top] = [(index % 2) * half + 2, Math.floor(index / 2) * half + 2];
    const shades = new Map();
    image.forEach((line, y) =>
      line.forEach((shade, x) => {
        const level = Math.round(shade / 32) / 8;
        if (!level) return;
        const square = `M${(left + x * dot).toFixed(2)} ${(top + y * dot).toFixed(2)}h${dot}v${dot}h-${dot}z`;
        shades.set(level, (shades.get(level) ?? "") + square);
      }),
    );
    for (const [level, d] of shades) box.append(svg("path", { d, "fill-opacity": level, class: "bn-ink" }));
    const frame = { x: left - 1.5, y: top - 1.5, width: half - 1, height: half - 1, "data-example": index };
    box.append(svg("rect", { ...frame, class: index === chosen ? "bn-chosen-example" : "bn-example" }));
  });
}

function drawPoints(box, examples, chosen, palette) {
  const place = (value) => side / 2 + (value * side) / 2.1;
  for (const [x, y, label] of examples.points) {
    const [across, down] = [place(x), place(-y)];
    const fill = paint(label ? "@class_one" : "@class_zero", palette);
    const shape = label
      ? svg("circle", { cx: across, cy: down, r: 1.5, fill })
      : svg("rect", { x: across - 1.3, y: down - 1.3, width: 2.6, height: 2.6, fill });
    box.append(shape);
  }
  const [x, y] = examples.shown[chosen] ?? [0, 0];
  box.append(svg("circle", { cx: place(x), cy: place(-y), r: 4.5, class: "bn-chosen-example" }));
}
