// The live view: keeps its plots and hands plotly the newest figures, one draw at a time.
const base = new URL("lab-files/", document.baseURI);
const colour = /^@([a-z_]+)(?:\/([0-9.]+))?$/;
const views = new WeakMap();

const plotlyReady = new Promise((resolve, reject) => {
  if (window.Plotly) return resolve(window.Plotly);
  const script = document.createElement("script");
  script.src = new URL("plotly.min.js", base);
  script.onload = () => resolve(window.Plotly);
  script.onerror = () => reject(new Error("The drawing code did not load. Reload the page."));
  document.head.append(script);
});

function paint(value, palette) {
  if (typeof value === "string") {
    const found = colour.exec(value);
    return found && palette[found[1]] ? `rgba(${palette[found[1]]}, ${found[2] ?? 1})` : value;
  }
  if (Array.isArray(value)) return value.map((item) => paint(item, palette));
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, paint(v, palette)]));
}

function isDark(element) {
  const background = getComputedStyle(element).getPropertyValue("--st-background-color").trim();
  const probe = document.createElement("span");
  probe.style.color = background;
  element.append(probe);
  const [r, g, b] = getComputedStyle(probe).color.match(/[\d.]+/g).map(Number);
  probe.remove();
  return r * 0.299 + g * 0.587 + b * 0.114 < 128;
}

class View {
  constructor(root, api) {
    this.root = root.querySelector(".bn-live");
    this.api = api;
    this.panels = new Map();
    this.drawing = false;
    this.next = null;
  }

  show(bytes) {
    const text = new TextDecoder().decode(bytes);
    const dark = isDark(this.root);
    if (text === this.last && dark === this.dark) return;
    this.last = text;
    this.dark = dark;
    this.next = JSON.parse(text);
    if (!this.drawing) this.draw();
  }

  async draw() {
    this.drawing = true;
    try {
      const plotly = await plotlyReady;
      while (this.next) {
        const frame = this.next;
        this.next = null;
        this.tell(frame);
        for (const chart of frame.charts) await this.drawChart(plotly, chart, frame);
        window.bnLabSequence = (window.bnLabSequence ?? 0) + 1;
        window.bnLabStep = frame.step;
      }
    } catch (error) {
      this.root.querySelector(".bn-notice").textContent = error.message;
    } finally {
      this.drawing = false;
    }
  }

  async drawChart(plotly, chart, frame) {
    const panel = this.panel(chart);
    panel.title.textContent = chart.title;
    panel.help.textContent = chart.help;
    panel.words.textContent = chart.alt;
    panel.plot.setAttribute("aria-label", `${chart.title}. ${chart.alt}`);
    const figure = paint(chart.figure, frame.palettes[this.dark ? "dark" : "light"]);
    figure.layout.autosize = true;
    const config = { responsive: true, displaylogo: false, displayModeBar: "hover" };
    await plotly.react(panel.plot, figure.data, figure.layout, config);
  }

  panel(chart) {
    if (this.panels.has(chart.id)) return this.panels.get(chart.id);
    const box = document.createElement("section");
    box.className = `bn-panel bn-${chart.id}`;
    box.innerHTML = `<header><h3></h3><details><summary aria-label="What this shows">?</summary>
      <div class="bn-help"><p></p><p class="bn-words"></p></div></details></header>
      <div class="bn-plot" role="img"></div>`;
    this.root.querySelector(".bn-grid").append(box);
    const panel = {
      title: box.querySelector("h3"),
      help: box.querySelector(".bn-help p"),
      words: box.querySelector(".bn-words"),
      plot: box.querySelector(".bn-plot"),
    };
    this.panels.set(chart.id, panel);
    return panel;
  }

  tell(frame) {
    this.root.querySelector(".bn-notice").textContent = frame.notice;
    this.root.querySelector(".bn-table").replaceChildren(table(frame.rows));
    const slider = this.root.querySelector(".bn-time input");
    slider.max = frame.steps.length - 1;
    if (document.activeElement !== slider || frame.cursor === null) {
      slider.value = frame.cursor ?? frame.steps.length - 1;
    }
    slider.setAttribute("aria-valuetext", `step ${frame.steps[slider.value]}`);
    this.root.querySelector(".bn-time output").textContent = frame.cursor === null
      ? `step ${frame.step} of ${frame.planned}`
      : `back at step ${frame.steps[frame.cursor]} of ${frame.step}`;
    slider.oninput = () => {
      const newest = Number(slider.value) >= frame.steps.length - 1;
      this.api.setStateValue("cursor", newest ? null : Number(slider.value));
    };
  }
}

function table(rows) {
  const made = document.createElement("table");
  const head = ["", "Train loss", "Val. loss", "Val. accuracy", "ms / step", ""];
  for (const cells of [head, ...rows]) {
    const line = made.insertRow();
    cells.forEach((cell, i) => {
      const field = document.createElement(cells === head || i === 0 ? "th" : "td");
      field.textContent = cell;
      line.append(field);
    });
  }
  return made;
}

export default function (component) {
  const { parentElement, data } = component;
  if (!views.has(parentElement)) views.set(parentElement, new View(parentElement, component));
  const view = views.get(parentElement);
  view.api = component;
  if (data) view.show(data);
}
