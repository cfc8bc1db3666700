// The names above the panels of one chart, and why a panel is empty: broken into lines, or cut,
// where a panel is narrower.
const pen = document.createElement("canvas").getContext("2d");
const most = { arm: 2, absence: 5 }; // lines
const usual = 125; // pixels beside the panels, where nothing has been drawn yet

// Fit the names into a figure that is about to be drawn so wide; `drawn` is the layout that plotly
// has made of the one before, if there was one.
export function fitTitles(layout, width, drawn) {
  const names = (layout.annotations ?? []).filter((note) => note.name in most);
  if (!names.length) return;
  const plot = width - (drawn?._size ? drawn.width - drawn._size.w : usual);
  let lines = 1;
  for (const note of names) {
    const axis = layout[note.xref.replace(/^x(\d*) domain$/, "xaxis$1")];
    const [from, to] = axis?.domain ?? [0, 1];
    const size = note.font.size;
    const bold = note.name === "arm";
    pen.font = `${bold ? 700 : 400} ${size}px ${layout.font.family}`;
    const label = note.text.replace(/<\/?b>/g, "").replace(/<br>/g, " ");
    const fitted = broken(label, (to - from) * plot - 2, most[note.name]);
    if (fitted.join(" ") !== label) note.hovertext = label;
    note.text = fitted.map((line) => (bold ? `<b>${line}</b>` : line)).join("<br>");
    if (bold && (axis === undefined || isTop(layout, note))) lines = Math.max(lines, fitted.length);
  }
  const { size } = names[0].font;
  layout.margin = { ...layout.margin, t: Math.max(layout.margin.t, 6 + lines * size * 1.3) };
}

function isTop(layout, note) {
  const axis = layout[note.yref.replace(/^y(\d*) domain$/, "yaxis$1")];
  return (axis?.domain?.[1] ?? 1) > 0.99;
}

function broken(label, width, most) {
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
