// Draws charts with plotly, and keeps their sizes to the page's.
import { Crosshair } from "./crosshair.mjs";
import { sleep } from "./fetching.mjs";
import { loadPlotly, paint } from "./theme.mjs";
import { fitTitles } from "./titles.mjs";
import { Zoom } from "./zoom.mjs";

const coarse = window.matchMedia("(pointer: coarse)");
const options = { displaylogo: false, displayModeBar: false, doubleClick: false, showTips: false };

export class Drawing {
  constructor(root) {
    this.observer = new ResizeObserver((entries) => entries.forEach((e) => this.fit(e.target)));
    this.crosshair = new Crosshair(root);
    this.zoom = new Zoom((panel) => this.redraw(panel));
    this.zoom.centre = () => this.crosshair.place;
  }

  // Draw those panels that have changed; `look` is another text in other colours.
  async draw(panels, palette, look) {
    this.palette = palette;
    this.plotly = await loadPlotly();
    for (const panel of panels) {
      const key = `${look}/${panel.chart.number}`;
      if (panel.key === key) continue;
      panel.key = key;
      await this.drawOne(panel);
      await sleep(0); // the browser shows this one, and hears a click, before the next
    }
  }

  redraw(panel) {
    return this.plotly && panel.chart ? this.drawOne(panel) : null;
  }

  async drawOne(panel) {
    const { chart, plot, legend } = panel;
    legend.show(chart.legend, this.palette);
    const figure = paint(chart.figure, this.palette);
    const { clientWidth: width, clientHeight: height } = plot;
    // On a touch screen a drag moves the crosshair, or scrolls the page.
    Object.assign(figure.layout, { width, height, dragmode: coarse.matches ? false : "zoom" });
    fitTitles(figure.layout, width, plot._fullLayout);
    this.zoom.into(figure.layout, panel);
    for (const trace of figure.data) if (legend.hidden.has(trace.legendgroup)) trace.visible = false;
    await this.plotly.react(plot, figure.data, figure.layout, options);
    panel.tools.connect(this.zoom);
    this.zoom.show(panel);
    this.crosshair.show(panel);
    this.letPick(panel);
    plot.redraw = () => this.redraw(panel);
    this.observer.observe(plot);
  }

  // A click on a cell of a map is told, by the cell's row and column, and a rectangle by its ends.
  letPick(panel) {
    if (panel.picks) return;
    panel.picks = true;
    panel.plot.on("plotly_click", ({ points: [point] }) => {
      const { meta } = point?.data ?? {};
      const at = meta?.pick === undefined ? null : point.pointNumber;
      if (Array.isArray(at)) this.onPick?.("cell", at.join("."));
    });
    panel.plot.on("plotly_relayout", (change) => {
      const part = panel.chart.figure.data[0]?.meta?.pick === undefined ? null : draggedPart(change, panel);
      if (part) this.onPick?.("rectangle", part.join(":"));
    });
  }

  // Draw a chart anew whose place has another size: its titles may take other lines.
  fit(plot) {
    const { clientWidth: width, clientHeight: height } = plot;
    const now = plot.layout;
    if (now && width && height && (now.width !== width || now.height !== height)) plot.redraw();
  }

  forget(panel) {
    this.observer.unobserve(panel.plot);
    this.crosshair.forget(panel);
    this.zoom.forget(panel);
  }
}

// Return the ends of a rectangle that was dragged, along x and along y; null for any other change.
// Where plotly zooms one axis alone, the other is whole.
function draggedPart(change, panel) {
  const { xaxis, yaxis } = panel.chart.figure.layout;
  const ends = [xaxis, yaxis].map(({ range }, n) =>
    [0, 1].map((end) => change[`${"xy"[n]}axis.range[${end}]`] ?? range[end]),
  );
  const dragged = Object.keys(change).some((key) => /^[xy]axis\.range\[0\]$/.test(key));
  return dragged ? ends.flat().map((end) => Number(end.toFixed(3))) : null;
}
