// The live view: keeps its charts, and draws each update that it fetches into them.
// What is fetched is declared in schema.py, beside this folder.
import { NetDiagram } from "./diagram.mjs";
import { Drawing } from "./drawing.mjs";
import { keepFocus } from "./focus.mjs";
import { Fetcher, sleep } from "./fetching.mjs";
import { Panels } from "./panels.mjs";
import "./shortcuts.mjs";
import { tables, linkTable } from "./table.mjs";
import { base, isDark, palettesReady, stylesReady } from "./theme.mjs";
import { TimeSlider } from "./time_slider.mjs";

const views = new WeakMap();
let viewsMade = 0;

class View {
  constructor(parent) {
    this.root = parent.querySelector(".bn-live");
    this.notice = this.root.querySelector(".bn-notice");
    this.drawn = Promise.resolve();
    this.drawing = new Drawing(this.root);
    this.drawing.onPick = (name, value) => this.api.setTriggerValue("chosen", { name, value });
    this.panels = new Panels(
      this.root,
      `bn-view-${++viewsMade}`,
      (name, value) => this.api.setTriggerValue("chosen", { name, value }),
      () => this.describe(),
    );
    this.netDiagram = new NetDiagram(this.root, (edit) => this.api.setTriggerValue("edited", edit), () =>
      this.api.setTriggerValue("chosen", { name: "layer", value: "0" }),
    );
    this.panels.onHide = (panel) => this.drawing.redraw(panel);
    this.fetcher = new Fetcher(this);
    this.slider = new TimeSlider(this.root, () => this.fetcher.run());
  }

  // The page's script has shown the view: the first time, after a command, or in other colours.
  show(api, data) {
    this.api = api;
    this.dark = isDark(this.root);
    if (this.dark !== this.painted) this.draw(null);
    this.fetcher.wake(data);
    requestAnimationFrame(() => keepFocus());
  }

  isOnPage() {
    return this.root.isConnected;
  }

  step() {
    return this.slider.wanted();
  }

  rerun(state) {
    this.api.setTriggerValue("rerun", state);
  }

  say(sentence) {
    this.notice.textContent = sentence;
  }

  // Draw an update after the one that is being drawn; null is the last one in today's colours.
  draw(update) {
    this.drawn = this.drawn.then(() => this.drawNow(update)).catch((error) => this.say(error.message));
    return this.drawn;
  }

  async drawNow(newer) {
    const [palettes] = await Promise.all([palettesReady, stylesReady]);
    this.painted = this.dark;
    const update = (this.last = { ...this.last, ...newer });
    if (newer) this.say(update.notice);
    const palette = palettes[this.dark ? "dark" : "light"];
    this.enlarge(update.projector);
    this.netDiagram.show(newer ?? update, palette);
    if (!update.steps) return; // there are no nets yet, or none that have been measured
    this.showFrame(update);
    const waits = newer?.order.length === 0; // the charts of nets that are still to be built
    if (newer && !newer.charts.length && !waits && !newer.rest && !update.computation) return;
    this.showTable(update, palette);
    for (const chart of newer?.charts ?? []) this.panels.update(chart);
    this.chartsWait = true;
    this.drawCharts();
  }

  // What a saved picture says about the run, and where the numbers of its charts are.
  describe() {
    const feed = new URL(`feed/${this.fetcher.feed}/`, base);
    const update = this.last;
    return {
      settings: update.settings,
      link: location.href,
      dark: this.dark,
      csv: (id) => new URL(`csv/${id}`, feed).href,
      say: (sentence) => this.say(sentence),
    };
  }

  // Draw the charts as they are now, and once more if others have come meanwhile: updates of the
  // diagram do not wait for them. A slow browser rests in between.
  async drawCharts() {
    if (this.charting) return;
    this.charting = true;
    while (this.chartsWait && this.isOnPage()) {
      this.chartsWait = false;
      const [update, began] = [this.last, performance.now()];
      const palette = (await palettesReady)[this.dark ? "dark" : "light"];
      try {
        await this.drawing.draw(this.panels.values(), palette, `${this.fetcher.feed}/${this.dark}`);
      } catch (error) {
        this.say(error.message);
      }
      tellTests(update);
      if (!this.last.rest) await sleep((performance.now() - began) / 2);
    }
    this.charting = false;
  }

  // The table changes as often as the charts.
  showTable(update, palette) {
    this.root.querySelector(".bn-summary").replaceChildren(...tables(update, palette));
    const file = new URL(`feed/${this.fetcher.feed}/csv/table`, base);
    linkTable(this.root, file.href, update.rows.length > 0);
  }

  showFrame(update) {
    this.conclude(update.conclusion ?? "");
    this.root.classList.toggle("bn-computation", update.computation ?? false);
    if (!update.computation) this.slider.show(update);
    if (update.computation || update.order.length) this.panels.keepOnly(update.order, (panel) => this.drawing.forget(panel));
  }

  // Larger letters make the layers of the nets wider.
  enlarge(isProjector) {
    if (this.root.classList.contains("bn-projector") === Boolean(isProjector)) return;
    this.root.classList.toggle("bn-projector");
    this.netDiagram.align();
  }

  // The sentence is read out by screen readers when it changes, so it is written only then.
  conclude(sentence) {
    const place = this.root.querySelector(".bn-conclusion");
    if (place.textContent === sentence) return;
    const [shown, ...changed] = sentence.split(/(?= What changed:| The nets differ in | Between them the nets differ in )/);
    const first = document.createElement("b");
    first.textContent = shown;
    place.replaceChildren(...(sentence ? [first, changed.join("")] : []));
  }
}

// A browser test waits for these.
function tellTests(update) {
  window.bnLabSequence = (window.bnLabSequence ?? 0) + 1;
  window.bnLabStep = update.step;
}

export default function (component) {
  const { parentElement, data } = component;
  if (!views.has(parentElement)) views.set(parentElement, new View(parentElement));
  if (data) views.get(parentElement).show(component, data);
}
