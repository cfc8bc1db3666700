// Draws charts with plotly, and keeps their sizes to the page's.
import { sleep } from "./fetching.mjs";
import { paint, plotlyReady } from "./theme.mjs";

const spare = 44; // pixels of frames and gaps around the rows of plots
const lowest = 170;
const highest = 480;
const options = {
  displaylogo: false,
  displayModeBar: "hover",
  modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d", "sendChartToCloud"],
};

export class Drawing {
  constructor(root) {
    this.root = root;
    this.observer = new ResizeObserver((entries) => entries.forEach((e) => fit(e.target)));
    window.addEventListener("resize", () => this.fitToScreen());
  }

  // Draw those panels that have changed; `look` is another text in other colours.
  async draw(panels, palette, look) {
    this.fitToScreen();
    const plotly = await plotlyReady;
    for (const panel of panels) {
      const key = `${look}/${panel.chart.number}`;
      if (panel.key === key) continue;
      panel.key = key;
      await this.drawOne(plotly, panel, palette);
      await sleep(0); // the browser shows this one, and hears a click, before the next
    }
  }

  async drawOne(plotly, { chart, plot }, palette) {
    const figure = paint(chart.figure, palette);
    const { clientWidth: width, clientHeight: height } = plot;
    Object.assign(figure.layout, { width, height, uirevision: chart.reset });
    await plotly.react(plot, figure.data, figure.layout, options);
    this.observer.observe(plot);
  }

  forget(plot) {
    this.observer.unobserve(plot);
  }

  // Two rows of three plots fill what the rest of the page leaves of the screen.
  fitToScreen() {
    const grid = this.root.querySelector(".bn-grid");
    const headers = [...grid.querySelectorAll("header")].map((header) => header.offsetHeight);
    const wide = getComputedStyle(grid).gridTemplateColumns.split(" ").length === 3;
    const isComputation = this.root.classList.contains("bn-computation");
    if (isComputation || !wide || !headers.length) {
      this.root.style.removeProperty("--bn-plot-height");
      return;
    }
    const scrolled = this.root.closest("[data-testid=stMain]")?.scrollTop ?? window.scrollY;
    const above = grid.getBoundingClientRect().top + scrolled;
    const over = Math.max(...headers.slice(0, 3)) + Math.max(...headers.slice(3));
    const height = (window.innerHeight - above - over - spare) / 2;
    const shown = Math.round(Math.min(Math.max(height, lowest), highest));
    this.root.style.setProperty("--bn-plot-height", `${shown}px`);
  }
}

function fit(plot) {
  const { clientWidth: width, clientHeight: height } = plot;
  const now = plot.layout;
  if (now && width && height && (now.width !== width || now.height !== height)) {
    window.Plotly.relayout(plot, { width, height });
  }
}
