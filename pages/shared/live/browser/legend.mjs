// A chart's legend, above its plot: what each line means, and the number that the crosshair reads.
import { swatch } from "./swatch.mjs";
import { paint } from "./theme.mjs";

export class Legend {
  // `onHide` is called after the reader has hidden or shown a curve.
  constructor(element, onHide) {
    this.list = element.querySelector("ul");
    this.heading = element.querySelector(".bn-heading");
    Object.assign(this, { element, onHide, hidden: new Set(), values: new Map() });
  }

  show(entries, palette) {
    const drawn = JSON.stringify(entries.map(({ at, value, ...kept }) => [kept, palette.paper]));
    this.element.hidden = !entries.length;
    if (this.drawn !== drawn) {
      this.drawn = drawn;
      this.values.clear();
      this.makeRoom(entries);
      this.list.replaceChildren(...entries.map((entry) => this.line(entry, palette)));
    }
    if (entries.some((entry) => entry.value)) this.element.classList.add("bn-pairs");
    for (const entry of entries) if (entry.value) this.write(entry.group, entry.value);
  }

  // Make the columns wide enough for most names: in rem, of letters about 0.38 wide beside a sample and a number.
  makeRoom(entries) {
    const rooms = entries.map(({ label, group }) => (group ? 4.4 + 0.38 * label.length : 2.2 + 0.3 * label.length));
    this.element.style.setProperty("--bn-legend-name", `${Math.min(Math.max(...rooms), 16)}rem`);
  }

  // Show the crosshair's numbers.
  read({ heading, values }) {
    if (this.heading.textContent !== heading) this.heading.textContent = heading;
    this.element.classList.toggle("bn-pairs", heading.includes(" / "));
    for (const [group, words] of values) this.write(group, words);
  }

  write(group, words) {
    const output = this.values.get(group);
    if (output && output.textContent !== words) output.textContent = words;
  }

  line(entry, palette) {
    const item = document.createElement("li");
    const button = document.createElement(entry.group ? "button" : "span");
    const label = document.createElement("span");
    label.textContent = button.title = entry.label;
    button.append(swatch(paint(entry.colour, palette), entry.dash, entry.symbol), label);
    item.append(button);
    if (!entry.group) return item;
    const output = document.createElement("output");
    output.setAttribute("aria-live", "off");
    this.values.set(entry.group, output);
    item.append(output);
    button.type = "button";
    button.setAttribute("aria-pressed", !this.hidden.has(entry.group));
    button.onclick = () => {
      if (!this.hidden.delete(entry.group)) this.hidden.add(entry.group);
      button.setAttribute("aria-pressed", !this.hidden.has(entry.group));
      this.onHide();
    };
    return item;
  }
}
