// The live view: keeps its plots, and fetches each picture when the last one is drawn.
import { base, isDark, paint, palettesReady, plotlyReady, stylesReady } from "./theme.mjs";

const views = new WeakMap();
let viewsMade = 0;
const spare = 44; // pixels of frames and gaps around the rows of plots
const patience = 3000; // milliseconds until a step that was asked for is given up
const beforeRetry = 1500; // milliseconds
const silence = "The server does not answer. Trying again …";
const drawn = {
  displaylogo: false,
  displayModeBar: "hover",
  modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d", "sendChartToCloud"],
};

class View {
  constructor(parent) {
    this.root = parent.querySelector(".bn-live");
    this.name = `bn-view-${++viewsMade}`;
    this.panels = new Map();
    this.have = 0;
    this.drawing = Promise.resolve();
    this.observer = new ResizeObserver((entries) => entries.forEach((e) => this.fit(e.target)));
    window.addEventListener("resize", () => this.fitToScreen());
  }

  // The page was shown anew: with another visitor's feed, other colours, or after a command.
  async wake(api, { feed, state }) {
    if (feed !== this.feed) Object.assign(this, { feed, have: 0 });
    Object.assign(this, { api, state, stirred: null, dark: isDark(this.root) });
    if (this.dark !== this.painted) this.enqueue(null);
    await this.follow();
  }

  // Fetch and draw until the run rests. One request is under way at a time: the server answers
  // it at once when anything has changed there.
  async follow() {
    this.again = true;
    if (this.following) return;
    this.following = true;
    while (this.again && this.root.isConnected) {
      this.again = false;
      const began = performance.now();
      const answer = await this.ask();
      if (!answer) continue;
      if (answer.charts) await this.enqueue(answer);
      this.stir(answer.state);
      this.again ||= !answer.rest;
      if (this.again) await sleep(answer.pause - (performance.now() - began));
    }
    this.following = false;
  }

  // Return the server's answer; null where it knows this feed no more or gives none.
  async ask() {
    const url = new URL(`feed/${this.feed}`, base);
    url.searchParams.set("have", this.have);
    if (this.asked) url.searchParams.set("at", this.asked.step ?? "now");
    try {
      const answer = await fetch(url);
      if (answer.ok) return await answer.json();
      if (answer.status === 404) return null;
    } catch {
      // The connection is down: say so, and try again.
    }
    this.root.querySelector(".bn-notice").textContent = silence;
    await sleep(beforeRetry);
    this.again = true;
    return null;
  }

  // The run has come to another state than the buttons and the link show.
  stir(state) {
    if (state === this.state || state === this.stirred) return;
    this.stirred = state;
    this.api.setTriggerValue("stirred", state);
  }

  // Draw a picture after the one that is being drawn; null is the last one in today's colours.
  enqueue(picture) {
    this.drawing = this.drawing
      .then(() => this.draw(picture))
      .catch((error) => (this.root.querySelector(".bn-notice").textContent = error.message));
    return this.drawing;
  }

  async draw(picture) {
    const [palettes] = await Promise.all([palettesReady, stylesReady]);
    this.painted = this.dark;
    this.palette = palettes[this.dark ? "dark" : "light"];
    const shown = (this.picture = { ...this.picture, ...picture });
    this.root.querySelector(".bn-notice").textContent = shown.notice ?? "";
    if (picture) this.have = picture.number;
    if (!shown.steps) return; // there are no nets yet
    this.root.querySelector(".bn-summary").replaceChildren(table(shown, this.palette));
    this.root.classList.toggle("bn-projector", shown.projector);
    this.root.classList.toggle("bn-study", shown.study ?? false);
    if (!shown.study) this.tellTime(shown);
    this.forgetOthers(shown.order);
    for (const chart of picture?.charts ?? []) this.label(chart);
    this.fitToScreen();
    const plotly = await plotlyReady;
    for (const panel of this.panels.values()) await this.drawChart(plotly, panel);
    if (!picture?.steps) return;
    window.bnLabSequence = (window.bnLabSequence ?? 0) + 1;
    window.bnLabStep = picture.step;
  }

  async drawChart(plotly, panel) {
    const { chart } = panel;
    const key = `${this.feed}/${chart.number}/${this.dark}`;
    if (panel.key === key) return;
    panel.key = key;
    const figure = paint(chart.figure, this.palette);
    const { clientWidth: width, clientHeight: height } = panel.plot;
    Object.assign(figure.layout, { width, height, uirevision: chart.reset });
    await plotly.react(panel.plot, figure.data, figure.layout, drawn);
    this.observer.observe(panel.plot);
    await sleep(0); // the browser shows this one, and hears a click, before the next
  }

  forgetOthers(order) {
    for (const [id, panel] of this.panels) {
      if (order.includes(id)) continue;
      this.observer.unobserve(panel.plot);
      panel.box.remove();
      this.panels.delete(id);
    }
  }

  // Two rows of three plots fill what the rest of the page leaves of the screen.
  fitToScreen() {
    const grid = this.root.querySelector(".bn-grid");
    const headers = [...grid.querySelectorAll("header")].map((header) => header.offsetHeight);
    const wide = getComputedStyle(grid).gridTemplateColumns.split(" ").length === 3;
    const study = this.root.classList.contains("bn-study");
    if (study || !wide || !headers.length) return this.root.style.removeProperty("--bn-plot-height");
    const scrolled = this.root.closest("[data-testid=stMain]")?.scrollTop ?? window.scrollY;
    const above = grid.getBoundingClientRect().top + scrolled;
    const over = Math.max(...headers.slice(0, 3)) + Math.max(...headers.slice(3));
    const height = (window.innerHeight - above - over - spare) / 2;
    const shown = Math.round(Math.min(Math.max(height, 170), 480));
    this.root.style.setProperty("--bn-plot-height", `${shown}px`);
  }

  fit(plot) {
    const { clientWidth: width, clientHeight: height } = plot;
    const now = plot.layout;
    if (now && width && height && (now.width !== width || now.height !== height)) {
      window.Plotly.relayout(plot, { width, height });
    }
  }

  label(chart) {
    const panel = this.panels.get(chart.id) ?? this.newPanel(chart.id);
    panel.chart = chart;
    panel.title.textContent = chart.title;
    panel.box.classList.toggle("bn-wide", chart.wide);
    panel.help.textContent = chart.help;
    panel.words.textContent = chart.alt;
    panel.button.setAttribute("aria-label", `What “${chart.title}” shows`);
    panel.plot.setAttribute("aria-label", `${chart.title}. ${chart.alt}`);
    const offered = JSON.stringify(chart.choices);
    if (panel.offered !== offered) {
      panel.offered = offered;
      panel.choices.classList.toggle("bn-many", chart.choices.length > 2);
      panel.choices.replaceChildren(...chart.choices.map((choice) => this.chooser(choice)));
    }
  }

  newPanel(id) {
    const box = document.createElement("section");
    box.className = `bn-panel bn-${id}`;
    box.innerHTML = `<header><h3></h3><span class="bn-choices"></span>
      <button class="bn-what" type="button" popovertarget="${this.name}-${id}">?</button></header>
      <div class="bn-help" id="${this.name}-${id}" popover><p></p><p class="bn-words"></p></div>
      <div class="bn-plot" role="img"></div>`;
    this.root.querySelector(".bn-grid").append(box);
    const find = (selector) => box.querySelector(selector);
    const help = find(".bn-help");
    const button = find(".bn-what");
    help.addEventListener("beforetoggle", () => place(help, button));
    const panel = {
      box,
      title: find("h3"),
      choices: find(".bn-choices"),
      plot: find(".bn-plot"),
      help: find(".bn-help p"),
      words: find(".bn-words"),
      button,
    };
    this.panels.set(id, panel);
    return panel;
  }

  chooser({ name, label, help, value, options }) {
    const select = document.createElement("select");
    select.title = help;
    select.setAttribute("aria-label", label);
    for (const [key, words] of options) select.add(new Option(words, key, false, key === value));
    select.onchange = () => this.api.setTriggerValue("chosen", { name, value: select.value });
    return select;
  }

  tellTime(frame) {
    const slider = this.root.querySelector(".bn-time input");
    const newest = frame.steps.length - 1;
    const at = frame.cursor === null ? newest : frame.steps.indexOf(frame.cursor);
    slider.max = newest;
    slider.disabled = newest < 1;
    if (this.asked && (frame.cursor === this.asked.step || Date.now() > this.asked.until)) {
      this.asked = null;
    }
    if (this.asked) return; // the reader has moved on; the picture will follow
    slider.value = at;
    const shown = frame.steps[at];
    const words =
      frame.cursor === null
        ? `step ${frame.step.toLocaleString("en")} of ${frame.planned.toLocaleString("en")}`
        : `back at step ${shown.toLocaleString("en")} of ${frame.step.toLocaleString("en")}`;
    slider.setAttribute("aria-valuetext", words);
    this.root.querySelector(".bn-time output").textContent = words;
    slider.oninput = () => {
      const index = Number(slider.value);
      const step = index >= newest ? null : frame.steps[index];
      this.asked = { step, until: Date.now() + patience };
      this.follow();
    };
  }
}

function sleep(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, Math.max(milliseconds, 0)));
}

function place(help, button) {
  const box = button.getBoundingClientRect();
  const width = Math.min(340, window.innerWidth - 16);
  const left = Math.max(8, Math.min(box.right - width, window.innerWidth - width - 8));
  const below = box.bottom < window.innerHeight * 0.6;
  Object.assign(help.style, {
    width: `${width}px`,
    left: `${left}px`,
    top: below ? `${box.bottom + 6}px` : "auto",
    bottom: below ? "auto" : `${window.innerHeight - box.top + 6}px`,
  });
}

function table(frame, palette) {
  const made = document.createElement("table");
  made.innerHTML = "<caption>Results so far</caption>";
  const head = made.createTHead().insertRow();
  for (const words of frame.head) head.append(cell("th", words, "col"));
  const body = made.createTBody();
  for (const row of frame.rows) {
    const line = body.insertRow();
    const name = cell("th", row.cells[0], "row");
    if (row.colour) name.prepend(swatch(paint(row.colour, palette), row.dash));
    line.append(name, ...row.cells.slice(1).map((words) => cell("td", words)));
  }
  return made;
}

function cell(kind, words, scope) {
  const made = document.createElement(kind);
  if (scope) made.scope = scope;
  made.textContent = words;
  return made;
}

function swatch(colour, dash) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const line = document.createElementNS("http://www.w3.org/2000/svg", "line");
  const shape = { x1: 0, y1: 5, x2: 28, y2: 5, stroke: colour, "stroke-width": 3 };
  for (const [name, value] of Object.entries(shape)) line.setAttribute(name, value);
  if (dash !== "solid") line.setAttribute("stroke-dasharray", dash.replaceAll("px", ""));
  svg.setAttribute("aria-hidden", "true");
  svg.append(line);
  return svg;
}

export default function (component) {
  const { parentElement, data } = component;
  if (!views.has(parentElement)) views.set(parentElement, new View(parentElement));
  if (data) views.get(parentElement).wake(component, data);
}
