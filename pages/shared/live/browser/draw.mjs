// A curve that the reader draws before a run, with the mouse, a finger or keys; afterwards the run
// is drawn over it and the gap between the two is hatched.
const [width, height] = [320, 200];
const area = { left: 34, top: 10, right: 312, bottom: 172 };
const columns = 60; // places along the steps at which the curve can stand
const rows = 40; // heights that the keys can reach
const settle = 400; // milliseconds after a stroke until it is told to the page's script
const pads = new WeakMap();

class Pad {
  constructor(root) {
    this.svg = root.querySelector("svg");
    this.output = root.querySelector("output");
    this.words = root.querySelector(".bn-draw-words");
    this.clear = root.querySelector("button");
    this.values = new Array(columns + 1).fill(null);
    this.pen = { column: 0, row: rows / 2 };
    this.clear.onclick = () => this.change(() => this.values.fill(null));
    this.svg.addEventListener("pointerdown", (event) => this.begin(event));
    this.svg.addEventListener("pointermove", (event) => this.stroke(event));
    for (const name of ["pointerup", "pointercancel"]) this.svg.addEventListener(name, () => this.lift());
    this.svg.addEventListener("keydown", (event) => this.press(event));
    for (const name of ["focus", "blur"]) this.svg.addEventListener(name, () => this.paint());
  }

  // The page's script has shown the pad. What is being drawn is newer than what it knows.
  show(api, data) {
    Object.assign(this, { api, data });
    if (!this.timer && !this.before) {
      this.values.fill(null);
      for (const [step, value] of data.points) this.values[Math.round((step / data.last) * columns)] = value;
    }
    this.svg.setAttribute("aria-label", data.label);
    this.clear.hidden = data.locked;
    if (this.words.textContent !== data.words) this.words.textContent = data.words;
    this.paint();
  }

  begin(event) {
    if (this.data.locked || event.button > 0) return;
    this.svg.setPointerCapture(event.pointerId);
    this.before = this.placeOf(event);
    this.stroke(event);
  }

  stroke(event) {
    if (!this.before) return;
    const [from, to] = [this.before, this.placeOf(event)];
    const steps = Math.max(Math.abs(to.column - from.column), 1);
    for (let i = 0; i <= steps; i++) {
      const column = Math.round(from.column + ((to.column - from.column) * i) / steps);
      this.values[column] = from.value + ((to.value - from.value) * i) / steps;
    }
    this.before = to;
    this.paint();
  }

  lift() {
    if (!this.before) return;
    this.pen = { column: this.before.column, row: Math.round((this.before.value / this.data.top) * rows) };
    this.before = null;
    this.change(() => {});
  }

  placeOf({ clientX, clientY }) {
    const box = this.svg.getBoundingClientRect();
    const x = ((clientX - box.left) / box.width) * width;
    const y = ((clientY - box.top) / box.height) * height;
    const along = (x - area.left) / (area.right - area.left);
    const up = (area.bottom - y) / (area.bottom - area.top);
    return { column: Math.round(within(along, 1) * columns), value: within(up, 1) * this.data.top };
  }

  press(event) {
    const far = event.shiftKey ? 5 : 1;
    const moves = {
      ArrowLeft: [-far, 0], ArrowRight: [far, 0], ArrowUp: [0, far], ArrowDown: [0, -far],
      Home: [-columns, 0], End: [columns, 0], PageUp: [0, 10], PageDown: [0, -10],
    };
    const { pen } = this;
    if (event.key in moves) {
      const [right, up] = moves[event.key];
      this.pen = { column: within(pen.column + right, columns), row: within(pen.row + up, rows) };
      this.paint();
    } else if (event.key === " ") {
      this.change(() => (this.values[pen.column] = (pen.row / rows) * this.data.top));
    } else if (["Backspace", "Delete"].includes(event.key)) {
      this.change(() => (this.values[pen.column] = null));
    } else return;
    event.preventDefault();
    this.say();
  }

  // Change the drawing, and tell the page's script of it once the reader rests.
  change(action) {
    if (this.data.locked) return;
    action();
    this.paint();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.timer = 0;
      this.api.setTriggerValue("drawn", { id: this.data.id, points: this.points() });
    }, settle);
  }

  points() {
    const step = (column) => (column / columns) * this.data.last;
    return this.values.flatMap((value, column) => (value === null ? [] : [[step(column), value]]));
  }

  say() {
    const { pen, data } = this;
    const [step, value] = [(pen.column / columns) * data.last, (pen.row / rows) * data.top];
    const set = this.values[pen.column] === null ? "no point" : "a point";
    this.output.textContent = `step ${Math.round(step)}, ${value.toFixed(2)} ${data.unit}: ${set} here, ${this.points().length} in all`;
  }

  x(step) {
    return area.left + (step / this.data.last) * (area.right - area.left);
  }

  y(value) {
    return area.bottom - (within(value, this.data.top) / this.data.top) * (area.bottom - area.top);
  }

  line(points) {
    return points.map(([step, value], i) => `${i ? "L" : "M"}${this.x(step)} ${this.y(value)}`).join("");
  }

  paint() {
    const { data } = this;
    if (!data) return;
    const outline = data.run.length ? [...data.drawn, ...[...data.run].reverse()] : [];
    const parts = [
      hatching(),
      shape("path", { class: "bn-draw-gap", d: outline.length ? `${this.line(outline)}Z` : "" }),
      shape("path", { class: "bn-draw-axes", d: `M${area.left} ${area.top}V${area.bottom}H${area.right}` }),
      ...data.marks.flatMap(([value, label]) => this.mark(value, label)),
      ...[0, data.last / 2, data.last].map((step, i) =>
        text(["start", "middle", "end"][i], this.x(step), area.bottom + 14, `${Math.round(step)}`)),
      text("middle", (area.left + area.right) / 2, area.bottom + 26, "steps"),
      shape("path", { class: "bn-draw-run", d: this.line(data.run) }),
      shape("path", { class: "bn-draw-drawn", d: this.line(this.points()) }),
      ...this.points().filter((_, i, all) => all.length < 12 || i % 5 === 0).map(([step, value]) =>
        shape("circle", { class: "bn-draw-point", cx: this.x(step), cy: this.y(value), r: 2.5 })),
    ];
    if (document.activeElement === this.svg && !data.locked) parts.push(this.cross());
    this.svg.replaceChildren(...parts);
  }

  mark(value, label) {
    const y = this.y(value);
    const guide = shape("path", { class: "bn-draw-guide", d: `M${area.left} ${y}H${area.right}` });
    const [number, words] = label.split(" ", 2).length > 1 ? label.split(/ (.*)/) : [label, ""];
    return [guide, text("end", area.left - 4, y + 4, number), text("end", area.right, y - 3, words)];
  }

  cross() {
    const x = this.x((this.pen.column / columns) * this.data.last);
    const y = this.y((this.pen.row / rows) * this.data.top);
    return shape("path", { class: "bn-draw-pen", d: `M${x - 7} ${y}h14M${x} ${y - 7}v14` });
  }
}

function within(value, most) {
  return Math.max(0, Math.min(value, most));
}

function shape(name, attributes) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

function text(anchor, x, y, words) {
  const made = shape("text", { "text-anchor": anchor, x, y });
  made.textContent = words;
  return made;
}

// Lines across, so that the gap is seen without its colour.
function hatching() {
  const pattern = shape("pattern", { id: "bn-draw-hatch", width: 6, height: 6, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" });
  pattern.append(shape("path", { class: "bn-draw-hatch", d: "M0 0V6" }));
  return pattern;
}

export default function (component) {
  const { parentElement, data } = component;
  if (!pads.has(parentElement)) pads.set(parentElement, new Pad(parentElement.querySelector(".bn-draw")));
  if (data) pads.get(parentElement).show(component, data);
}
