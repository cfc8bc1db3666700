// One crosshair for all charts over the steps: a line at the same place in each, and the numbers
// there in their legends. It is drawn above the plots, so moving it redraws none of them.
import { nearest, newestOf, readings } from "./readings.mjs";

const pause = 250; // milliseconds without a key until the numbers are said
const keyhole = { ArrowLeft: -1, ArrowRight: 1, PageUp: 10, PageDown: -10 };

export class Crosshair {
  constructor(root) {
    this.panels = new Map(); // each panel that has been drawn, with its lines
    this.place = null; // where the reader points, on the time axis
    this.pinned = null; // where the time slider stands; null at the newest step
    this.said = document.createElement("p");
    this.said.className = "bn-said";
    this.said.setAttribute("aria-live", "polite");
    root.append(this.said);
    root.addEventListener("bn-step", (event) => this.pin(event.detail));
  }

  // Take over a chart that has just been drawn.
  show(panel) {
    if (!this.panels.has(panel)) this.listen(panel);
    panel.plot.tabIndex = panel.chart.time_axes.length ? 0 : -1;
    this.showIn(panel);
  }

  forget(panel) {
    this.panels.delete(panel);
  }

  listen(panel) {
    const { plot } = panel;
    this.panels.set(panel, []);
    const follow = (event) => {
      panel.pointer = event.clientX;
      this.move(this.pointedAt(panel, panel.pointer));
    };
    // Where plotly shows a label, its step is the one that all charts show.
    plot.on("plotly_hover", ({ points }) => this.label(panel, points[0]));
    plot.on("plotly_unhover", () => {
      panel.labelled = null;
      if (panel.pointer) this.move(this.pointedAt(panel, panel.pointer));
    });
    plot.addEventListener("pointermove", follow);
    plot.addEventListener("pointerdown", follow);
    plot.addEventListener("pointerleave", (event) => {
      if (event.pointerType !== "mouse") return;
      panel.labelled = panel.pointer = null;
      window.Plotly.Fx.unhover(plot);
      this.move(null);
    });
    plot.addEventListener("blur", () => this.move(null));
    plot.addEventListener("keydown", (event) => this.walk(panel, event));
  }

  pin(step) {
    this.pinned = step;
    this.showSoon();
  }

  move(place) {
    if (place === this.place) return;
    this.place = place;
    this.showSoon();
  }

  showSoon() {
    this.waiting ??= requestAnimationFrame(() => {
      this.waiting = null;
      for (const panel of this.panels.keys()) this.showIn(panel);
    });
  }

  label(panel, point) {
    const { meta, type } = point.fullData;
    if (!panel.chart.time_axes.length || !meta?.read || type !== "scatter") return;
    panel.labelled = point.x;
    this.move(this.measured(point.x, panel));
  }

  // Return the measured step next to a place: the steps of the accuracy, which all charts have. Over
  // examples or seconds each net has places of its own, and none is the next one for all.
  measured(place, panel) {
    if (panel.chart.time_unit !== "step") return place;
    const steps = this.steps();
    return steps.length ? steps[nearest(steps, place)] : place;
  }

  steps() {
    const all = [...this.panels.keys()].filter(({ chart }) => chart.time_unit === "step").map(placesOf);
    return all.filter((steps) => steps.length).sort((one, other) => one.length - other.length)[0] ?? [];
  }

  // Return the measured step under the pointer, not beyond what has been recorded.
  pointedAt(panel, clientX) {
    const x = clientX - panel.plot.getBoundingClientRect().left;
    for (const axis of timeAxes(panel)) {
      const pixel = x - axis._offset;
      if (pixel < -8 || pixel > axis._length + 8) continue;
      const place = panel.labelled ?? Math.max(0, Math.min(axis.p2d(pixel), this.newest()));
      return this.measured(place, panel);
    }
    return null;
  }

  newest() {
    return Math.max(0, ...[...this.panels.keys()].map(newestOf));
  }

  showIn(panel) {
    const axes = timeAxes(panel);
    const unit = panel.chart.time_unit;
    const place = this.place ?? (unit === "step" ? this.pinned : null);
    const lines = this.panels.get(panel);
    if (!lines) return;
    while (lines.length > axes.length) lines.pop().remove();
    while (lines.length < axes.length) {
      const line = document.createElement("i");
      panel.frame.append(line);
      lines.push(line);
    }
    axes.forEach((axis, index) => put(lines[index], panel.plot, axis, place));
    if (axes.length) panel.legend.read(readings(panel, place));
  }

  walk(panel, event) {
    const own = panel.chart.time_axes.length ? placesOf(panel) : [];
    const steps = own.length && panel.chart.time_unit === "step" ? this.steps() : own;
    if (!steps.length || event.ctrlKey || event.metaKey || event.altKey) return;
    const from = nearest(steps, this.place ?? this.pinned ?? steps.at(-1));
    let to = keyhole[event.key] === undefined ? null : from + keyhole[event.key] * (event.shiftKey ? 10 : 1);
    if (event.key === "Home") to = 0;
    if (event.key === "End") to = steps.length - 1;
    if (event.key === "Escape") this.move(null);
    if (to === null) return;
    event.preventDefault();
    this.move(steps[Math.max(0, Math.min(to, steps.length - 1))]);
    this.saySoon(panel);
  }

  saySoon(panel) {
    clearTimeout(this.saying);
    this.saying = setTimeout(() => {
      const { heading, values } = readings(panel, this.place);
      const parts = panel.chart.legend.filter((entry) => values.get(entry.group));
      const said = parts.map((entry) => `${entry.label} ${values.get(entry.group)}`);
      this.said.textContent = `${panel.chart.title}, ${heading}: ${said.join(", ")}.`;
    }, pause);
  }
}

function timeAxes(panel) {
  const layout = panel.plot._fullLayout;
  return layout ? panel.chart.time_axes.map((name) => layout[name]).filter((axis) => axis?._length) : [];
}

// The places of a chart that the arrow keys walk through: those of the curve with the fewest.
function placesOf({ plot }) {
  const curves = (plot.data ?? []).flatMap((trace, index) => {
    const full = plot._fullData[index];
    return trace.meta?.read && full?.type === "scatter" && full.x?.length ? [Array.from(full.x)] : [];
  });
  return curves.sort((one, other) => one.length - other.length)[0] ?? [];
}

function put(line, plot, axis, place) {
  const pixel = place === null ? -1 : axis.d2p(place);
  line.hidden = !(pixel >= 0 && pixel <= axis._length);
  if (line.hidden) return;
  const spans = Object.values(plot._fullLayout._plots)
    .filter((one) => one.xaxis === axis)
    .map((one) => [one.yaxis._offset, one.yaxis._offset + one.yaxis._length]);
  const top = Math.min(...spans.map(([from]) => from));
  const bottom = Math.max(...spans.map(([, to]) => to));
  line.style.transform = `translate(${axis._offset + pixel}px, ${top}px)`;
  line.style.height = `${bottom - top}px`;
}
