// A short piece of a curve: its colour, its dash and its marker, as plotly draws them.
const markers = {
  circle: "M-4,0A4,4 0 1,1 4,0A4,4 0 1,1 -4,0Z",
  square: "M-3.5,-3.5H3.5V3.5H-3.5Z",
  diamond: "M0,-4.8L4.8,0L0,4.8L-4.8,0Z",
  "triangle-up": "M-4.6,3L0,-4.6L4.6,3Z",
  "triangle-down": "M-4.6,-3L0,4.6L4.6,-3Z",
  "triangle-left": "M3,-4.6L-4.6,0L3,4.6Z",
  "triangle-right": "M-3,-4.6L4.6,0L-3,4.6Z",
  cross: "M-4.5,-1.6H-1.6V-4.5H1.6V-1.6H4.5V1.6H1.6V4.5H-1.6V1.6H-4.5Z",
  x: "M-4,-2.2L-2.2,-4L0,-1.8L2.2,-4L4,-2.2L1.8,0L4,2.2L2.2,4L0,1.8L-2.2,4L-4,2.2L-1.8,0Z",
  hourglass: "M-4,-4H4L-4,4H4Z",
  bowtie: "M-4,-4V4L4,-4V4Z",
  pentagon: "M0,-4.8L4.6,-1.5L2.8,3.9H-2.8L-4.6,-1.5Z",
  star: "M0,-5.2L1.3,-1.7L5,-1.6L2,0.7L3.1,4.2L0,2.1L-3.1,4.2L-2,0.7L-5,-1.6L-1.3,-1.7Z",
  "star-triangle-up": "M0,-5.2L1.1,-0.65L4.5,2.6L0,1.3L-4.5,2.6L-1.1,-0.65Z",
  "star-diamond": "M0,-5.2L1.4,-1.4L5.2,0L1.4,1.4L0,5.2L-1.4,1.4L-5.2,0L-1.4,-1.4Z",
  hexagram: "M0,-5L1.6,-2.5H4.4L3,0L4.4,2.5H1.6L0,5L-1.6,2.5H-4.4L-3,0L-4.4,-2.5H-1.6Z",
};
export const width = 28;

export function swatch(colour, dash, symbol) {
  const svg = make("svg", { width, height: 12, viewBox: `0 0 ${width} 12`, "aria-hidden": "true" });
  svg.append(...shapes(colour, dash, symbol));
  return svg;
}

// Return the shapes of a swatch, 28 wide and 12 high.
export function shapes(colour, dash, symbol) {
  const made = [];
  if (dash) {
    const line = make("line", { x1: 0, y1: 6, x2: width, y2: 6, stroke: colour, "stroke-width": 2.5 });
    if (dash === "dot") line.setAttribute("stroke-dasharray", "2,3");
    else if (dash !== "solid") line.setAttribute("stroke-dasharray", dash.replaceAll("px", ""));
    made.push(line);
  }
  if (symbol) {
    const path = markers[symbol] ?? markers.circle;
    made.push(make("path", { d: path, fill: colour, transform: `translate(${width / 2} 6)` }));
  }
  return made;
}

export function make(name, attributes) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}
