// Drawing points of a plane by mouse or keyboard; they are sent as a table, as files are.
import { isDark, paint, palettesReady, stylesReady } from "./theme.mjs";
import { deliver } from "./upload.mjs";

const most = 400; // points
const step = 0.05; // of the cross, for each arrow key
const spread = 0.09; // standard deviation of several points around a place
const marks = [
  { name: "A", colour: "@class_zero", path: "M-3 0a3 3 0 1 0 6 0a3 3 0 1 0 -6 0z" },
  { name: "B", colour: "@class_one", path: "M0 -4L4 0L0 4L-4 0z" },
  { name: "C", colour: "@text", path: "M0 -4L3.8 3L-3.8 3z" },
];
const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
const half = 100; // of the drawing's own units: 1 of the plane

export default async function ({ parentElement, data, setTriggerValue }) {
  const place = parentElement.querySelector(".bn-draw");
  const palettes = await palettesReady;
  await stylesReady;
  place.drawing ??= new Drawing(place);
  place.drawing.palette = palettes[isDark(place) ? "dark" : "light"];
  place.drawing.fewest = data.fewest;
  place.drawing.send = async (file) => {
    const words = await deliver(data.token, [file]);
    setTriggerValue("arrived", Date.now());
    return words;
  };
  place.drawing.show();
}

class Drawing {
  constructor(place) {
    this.plane = place.querySelector("svg");
    this.words = place.querySelector("p");
    this.place = place;
    this.placed = []; // lists of points that were placed at once
    this.cross = [0, 0];
    this.plane.addEventListener("pointerdown", (event) => this.click(event));
    this.plane.addEventListener("keydown", (event) => this.key(event));
    const does = { undo: () => this.undo(), clear: () => this.clear(), save: () => this.save() };
    for (const [name, act] of Object.entries({ ...does, use: () => this.use() }))
      place.querySelector(`[data-does=${name}]`).onclick = act;
  }

  get points() {
    return this.placed.flat();
  }

  get kind() {
    return Number(this.place.querySelector("[name=bn-draw-class]:checked").value);
  }

  click(event) {
    if (event.button !== 0) return;
    const box = this.plane.getBoundingClientRect();
    const across = (event.clientX - box.left) / box.width;
    const down = (event.clientY - box.top) / box.height;
    this.cross = [2 * across - 1, 1 - 2 * down].map(bounded);
    this.add();
  }

  key(event) {
    const chosen = marks[Number(event.key) - 1];
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    if (arrows[event.key]) {
      const far = event.shiftKey ? 4 * step : step;
      this.cross = this.cross.map((value, i) => bounded(value + far * arrows[event.key][i]));
      this.show(`x ${this.cross[0]}, y ${this.cross[1]}`);
    } else if (event.key === " " || event.key === "Enter") this.add();
    else if (event.key === "Backspace" || event.key === "Delete") this.undo();
    else if (chosen) this.choose(marks.indexOf(chosen));
    else return;
    event.preventDefault();
  }

  choose(kind) {
    this.place.querySelectorAll("[name=bn-draw-class]")[kind].checked = true;
    this.show(`Class ${marks[kind].name}`);
  }

  add() {
    const count = this.place.querySelector(".bn-draw-several").checked ? 5 : 1;
    const free = Math.min(count, most - this.points.length);
    if (free <= 0) return this.show(`${most} points are the most.`);
    const around = (value) => bounded(value + (count > 1 ? spread * normal() : 0));
    const made = Array.from({ length: free }, () => [...this.cross.map(around), this.kind]);
    this.placed.push(made);
    this.show();
  }

  undo() {
    this.placed.pop();
    this.show();
  }

  clear() {
    this.placed = [];
    this.show();
  }

  save() {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(this.file());
    link.download = "drawn-points.csv";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  }

  async use() {
    this.show("Sending …");
    this.show((await this.send(this.file())) || "Sent: they are below.");
  }

  file() {
    const rows = this.points.map(([x, y, kind]) => `${x},${y},${marks[kind].name}`);
    return new File([["x,y,class", ...rows, ""].join("\n")], "drawn-points.csv");
  }

  // Draw everything; say `words`, or else how many points there are.
  show(words) {
    const ink = paint("@muted", this.palette);
    const [x, y] = this.cross.map((value) => value * half);
    const lines = shape(`M${x - 9} ${-y}h18M${x} ${-y - 9}v18`, "none", ink);
    const axes = shape(`M${-half} 0h${2 * half}M0 ${-half}v${2 * half}`, "none", paint("@grid", this.palette));
    const drawn = this.points.map(([px, py, kind]) => {
      const mark = shape(marks[kind].path, paint(marks[kind].colour, this.palette));
      mark.setAttribute("transform", `translate(${px * half} ${-py * half})`);
      return mark;
    });
    this.plane.replaceChildren(axes, ...drawn, lines);
    this.words.textContent = words ?? this.count();
    const ready = this.points.length >= this.fewest;
    this.place.querySelector("[data-does=use]").disabled = !ready;
    this.place.querySelector("[data-does=save]").disabled = !this.points.length;
  }

  count() {
    const total = this.points.length;
    const each = marks.map(({ name }, kind) => [name, this.points.filter((p) => p[2] === kind).length]);
    const said = each.filter(([, n]) => n).map(([name, n]) => `${n} ${name}`);
    const needed = total < this.fewest ? `; ${this.fewest} of two classes or more are needed` : "";
    return `${total} point${total === 1 ? "" : "s"}${said.length ? ` (${said.join(", ")})` : ""}${needed}`;
  }
}

function shape(path, fill, stroke = "none") {
  const made = document.createElementNS("http://www.w3.org/2000/svg", "path");
  for (const [name, value] of Object.entries({ d: path, fill, stroke })) made.setAttribute(name, value);
  return made;
}

function bounded(value) {
  return Math.round(100 * Math.max(-1, Math.min(1, value))) / 100 + 0; // -0 is 0
}

function normal() {
  return Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random());
}
