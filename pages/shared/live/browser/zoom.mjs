// One zoom of the time axis for all charts over the steps; another axis is zoomed in its own chart.

export class Zoom {
  // `redraw` is called with a panel that returns to its own axes.
  constructor(redraw) {
    Object.assign(this, { redraw, panels: new Set(), range: null, changes: 0 });
  }

  // Put the range into a figure that is about to be drawn: plotly then has none of its own to keep.
  into(layout, panel) {
    layout.uirevision = `${panel.chart.reset}/${panel.resets ?? 0}`;
    if (panel.reset !== panel.chart.reset) panel.zoomed = false; // plotly forgets a zoom of its own
    panel.reset = panel.chart.reset;
    for (const name of panel.chart.time_axes) {
      layout[name].uirevision = `${panel.chart.reset}/${this.changes}`;
      if (this.range) Object.assign(layout[name], { range: [...this.range], autorange: false });
    }
  }

  // Take over a chart that has just been drawn.
  show(panel) {
    this.tell(panel);
    if (this.panels.has(panel)) return;
    this.panels.add(panel);
    panel.plot.on("plotly_relayout", (change) => this.take(panel, change));
    panel.plot.on("plotly_doubleclick", () => this.reset(panel));
    panel.plot.addEventListener("keydown", (event) => {
      const factor = { "+": 0.5, "-": 2 }[event.key];
      if (factor && !event.ctrlKey && !event.metaKey) this.scale(panel, factor);
      if (event.key === "0") this.reset(panel);
    });
  }

  forget(panel) {
    this.panels.delete(panel);
  }

  tell(panel) {
    const shared = this.range !== null && panel.chart.time_axes.length > 0;
    panel.tools.zoomed(shared || Boolean(panel.zoomed));
  }

  // The reader has zoomed a chart with the pointer: only then plotly names the ends one by one.
  take(panel, change) {
    const names = Object.keys(change)
      .filter((key) => key.endsWith(".range[0]"))
      .map((key) => key.split(".")[0]);
    if (!names.length) return;
    panel.zoomed = true;
    this.tell(panel);
    const name = panel.chart.time_axes.find((axis) => names.includes(axis));
    if (name) this.set([change[`${name}.range[0]`], change[`${name}.range[1]`]]);
  }

  // Zoom around the middle of what a chart shows.
  scale(panel, factor) {
    const axis = panel.plot._fullLayout?.[panel.chart.time_axes[0]];
    if (!axis) return;
    const [from, to] = axis.range;
    const centre = this.centre?.() ?? (from + to) / 2;
    const inside = Math.min(Math.max(centre, from), to);
    const range = [inside - (inside - from) * factor, inside + (to - inside) * factor];
    const [first, last] = panel.chart.figure.layout[panel.chart.time_axes[0]].range ?? range;
    const wide = range[0] <= first && range[1] >= last;
    this.set(wide ? null : [Math.max(range[0], first), Math.min(range[1], last)]);
  }

  reset(panel) {
    panel.zoomed = false;
    panel.resets = (panel.resets ?? 0) + 1;
    this.set(null);
    this.redraw(panel);
  }

  set(range) {
    this.range = range;
    this.changes += 1;
    for (const panel of this.panels) {
      const { layout } = panel.chart.figure;
      const change = Object.fromEntries(
        panel.chart.time_axes.flatMap((name) => {
          const wanted = range ?? layout[name].range;
          return wanted ? [[`${name}.range`, [...wanted]]] : [[`${name}.autorange`, true]];
        }),
      );
      if (panel.chart.time_axes.length) window.Plotly.relayout(panel.plot, change);
      this.tell(panel);
    }
  }
}
