// The drawn parts of the diagram: paths in SVG that are changed in place.

export const leastPower = -6; // of ten: gradients of this norm and less are the thinnest arrows
export const mostPower = 1;
const thinnest = 1; // pixels
const thickest = 11;
const arrowBox = { width: 16, height: 30 };

export function element(kind, className) {
  const made = document.createElement(kind);
  made.className = className;
  return made;
}

export function svg(kind, attributes = {}) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", kind);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

// Change a text or a path only where it is another.
export function setText(node, text) {
  if (node.bnText === text) return;
  node.bnText = text;
  node.textContent = text;
}

export function setPath(node, path) {
  if (node.bnPath === path) return;
  node.bnPath = path;
  node.setAttribute("d", path);
}

// Return the outline of a distribution, heights from 0 to 100.
export function hillPath(density) {
  if (!density.length) return "";
  return `M0 100L${density.map((height, index) => `${index} ${100 - height}`).join("L")}L${density.length - 1} 100Z`;
}

// A distribution over 48 even steps, with a line at zero.
export function hill() {
  const box = svg("svg", { viewBox: "0 0 48 100", preserveAspectRatio: "none", class: "bn-hill" });
  const path = svg("path");
  box.append(svg("path", { d: "M24 0V100", class: "bn-zero" }), path);
  return { svg: box, path };
}

// The predicted probability of each class, one row a class, with a mark at the true one.
export function bars() {
  const box = svg("svg", { class: "bn-bars", preserveAspectRatio: "none" });
  const path = svg("path");
  const truth = svg("path", { class: "bn-truth" });
  box.append(path, truth);
  const draw = (shares, right) => {
    box.setAttribute("viewBox", `0 0 100 ${Math.max(shares.length, 1)}`);
    setPath(path, shares.map((share, row) => `M0 ${row + 0.12}H${Math.max(share, 1)}V${row + 0.88}H0Z`).join(""));
    setPath(truth, shares.length ? `M0 ${right}V${right + 1}` : "");
  };
  return { svg: box, draw };
}

// The gradient that comes back to a layer, from right to left.
export function arrow() {
  const { width, height } = arrowBox;
  const box = svg("svg", { class: "bn-arrow", viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" });
  const path = svg("path");
  box.append(path);
  const draw = (power) => {
    setPath(path, arrowPath(power));
    path.classList.toggle("bn-none", power === null || power < leastPower);
  };
  return { svg: box, draw };
}

function arrowPath(power) {
  const { width, height } = arrowBox;
  const middle = height / 2;
  if (power === null) return "";
  const share = Math.min(Math.max((power - leastPower) / (mostPower - leastPower), 0), 1);
  const half = (thinnest + (thickest - thinnest) * share) / 2;
  const neck = 7;
  const wing = half + 3;
  const [low, high] = [(middle + half).toFixed(1), (middle - half).toFixed(1)];
  return `M${width} ${high}H${neck}V${middle - wing}L0 ${middle}L${neck} ${middle + wing}V${low}H${width}Z`;
}
