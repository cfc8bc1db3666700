// The frame of each chart: its title, the choices and tools above it, its legend and its help.
import { Legend } from "./legend.mjs";
import { Tools } from "./tools.mjs";

export class Panels {
  // `name` is no other view's; `onChoice` is called with the name of a setting and its new value,
  // `describe` returns what saved pictures say about the run.
  constructor(root, name, onChoice, describe) {
    Object.assign(this, { root, name, onChoice, describe, all: new Map() });
  }

  values() {
    return this.all.values();
  }

  // Remove the charts that are gone; `onRemove` is called with the plot of each.
  keepOnly(order, onRemove) {
    for (const [id, panel] of this.all) {
      if (order.includes(id)) continue;
      onRemove(panel);
      panel.box.remove();
      this.all.delete(id);
    }
  }

  // Take over a chart's words; its figure is drawn later.
  update(chart) {
    const panel = this.all.get(chart.id) ?? this.add(chart.id);
    panel.chart = chart;
    panel.title.textContent = chart.title;
    panel.box.classList.toggle("bn-wide", chart.wide);
    panel.help.textContent = chart.help;
    panel.words.textContent = chart.alt;
    panel.button.setAttribute("aria-label", `What “${chart.title}” shows`);
    panel.tools.named(chart.title);
    panel.frame.style.setProperty("--bn-least-height", `${chart.height}px`);
    panel.plot.setAttribute("aria-label", `${chart.title}. ${chart.alt}`);
    const offered = JSON.stringify(chart.choices);
    if (panel.offered === offered) return;
    panel.offered = offered;
    panel.choices.classList.toggle("bn-many", chart.choices.length > 2);
    panel.choices.replaceChildren(...chart.choices.map((choice) => this.chooser(choice)));
  }

  add(id) {
    const box = document.createElement("section");
    box.className = `bn-panel bn-${id}`;
    box.innerHTML = `<header><h3></h3><span class="bn-choices"></span>
      <button class="bn-what" type="button" popovertarget="${this.name}-${id}">?</button></header>
      <div class="bn-help" id="${this.name}-${id}" popover><p></p><p class="bn-words"></p></div>
      <div class="bn-legend"><span class="bn-heading"></span><ul></ul></div>
      <div class="bn-frame"><div class="bn-plot" role="img"></div></div>`;
    this.root.querySelector(".bn-grid").append(box);
    const find = (selector) => box.querySelector(selector);
    const popover = find(".bn-help");
    const button = find(".bn-what");
    popover.addEventListener("beforetoggle", () => place(popover, button));
    const panel = {
      box,
      button,
      frame: find(".bn-frame"),
      legend: new Legend(find(".bn-legend"), () => this.onHide(panel)),
      title: find("h3"),
      choices: find(".bn-choices"),
      plot: find(".bn-plot"),
      help: find(".bn-help p"),
      words: find(".bn-words"),
    };
    panel.tools = new Tools(panel, `${this.name}-${id}`, () => this.describe());
    button.before(panel.tools.element);
    const { menu, saving } = panel.tools;
    menu.addEventListener("beforetoggle", () => place(menu, saving, 130));
    this.all.set(id, panel);
    return panel;
  }

  chooser(choice) {
    const select = document.createElement("select");
    select.title = choice.help;
    select.setAttribute("aria-label", choice.label);
    for (const [value, words] of choice.options) {
      select.add(new Option(words, value, false, value === choice.value));
    }
    select.onchange = () => this.onChoice(choice.name, select.value);
    return select;
  }
}

function place(help, button, widest = 340) {
  const box = button.getBoundingClientRect();
  const width = Math.min(widest, window.innerWidth - 16);
  const left = Math.max(8, Math.min(box.right - width, window.innerWidth - width - 8));
  const below = box.bottom < window.innerHeight * 0.6;
  Object.assign(help.style, {
    width: `${width}px`,
    left: `${left}px`,
    top: below ? `${box.bottom + 6}px` : "auto",
    bottom: below ? "auto" : `${window.innerHeight - box.top + 6}px`,
  });
}
