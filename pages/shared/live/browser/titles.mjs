// The names above the panels of one chart: broken into lines, or cut, where a panel is narrower.
const pen = document.createElement("canvas").getContext("2d");
const most = 2; // lines
const other = 90; // pixels beside the panels, where nothing has been drawn yet

// Fit the names into a figure that is about to be drawn so wide; `drawn` is the layout that plotly
// has made of the one before, if there was one.
export function fitTitles(layout, width, drawn) {
  const names = (layout.annotations ?? []).filter((note) => note.name === "arm");
  if (!names.length) return;
  const plot = drawn?._size?.w ?? width - other;
  let lines = 1;
  for (const note of names) {
    const axis = layout[note.xref.replace(/^x(\d*) domain$/, "xaxis$1")];
    const [from, to] = axis?.domain ?? [0, 1];
    const size = note.font.size;
    pen.font = `700 ${size}px ${layout.font.family}`;
    const label = note.text.replace(/<\/?b>/g, "");
    const fitted = broken(label, (to - from) * plot + 6);
    if (fitted.join(" ") !== label) note.hovertext = label;
    note.text = fitted.map((line) => `<b>${line}</b>`).join("<br>");
    if (note.y === 1 && (axis === undefined || isTop(layout, note))) lines = Math.max(lines, fitted.length);
  }
  const { size } = names[0].font;
  layout.margin = { ...layout.margin, t: Math.max(layout.margin.t, 6 + lines * size * 1.3) };
}

function isTop(layout, note) {
  const axis = layout[note.yref.replace(/^y(\d*) domain$/, "yaxis$1")];
  return (axis?.domain?.[1] ?? 1) > 0.99;
}

function broken(label, width) {
  const lines = [""];
  for (const word of label.split(" ")) {
    const longer = `${lines.at(-1)} ${word}`.trim();
    if (!lines.at(-1) || pen.measureText(longer).width <= width) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  const kept = lines.slice(0, most);
  if (lines.length > most) kept[most - 1] += " …";
  return kept.map((line) => cut(line, width));
}

function cut(line, width) {
  let kept = line;
  while (kept.length > 2 && pen.measureText(kept).width > width) kept = `${kept.replace(/ ?…$/, "").slice(0, -1)}…`;
  return kept;
}
