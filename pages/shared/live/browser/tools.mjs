// The small buttons in a panel's header: zoom, and what can be saved.
import { save } from "./save.mjs";

export class Tools {
  // `describe` returns what stands under a saved picture, and where its numbers are.
  constructor(panel, name, describe) {
    Object.assign(this, { panel, describe });
    this.element = document.createElement("span");
    this.element.className = "bn-tools";
    this.element.innerHTML = `
      <button type="button" class="bn-out bn-touch" title="Show more steps (key -)">−</button>
      <button type="button" class="bn-in bn-touch" title="Show fewer steps (key +)">+</button>
      <button type="button" class="bn-reset" title="Show the whole chart (key 0, or a double click)"
        hidden>Reset zoom</button>
      <button type="button" class="bn-save" popovertarget="${name}-save">Save</button>
      <div class="bn-menu" id="${name}-save" popover></div>`;
    this.find = (selector) => this.element.querySelector(selector);
    this.menu = this.find(".bn-menu");
    this.saving = this.find(".bn-save");
    this.menu.addEventListener("beforetoggle", (event) => event.newState === "open" && this.fill());
  }

  connect(zoom) {
    if (this.connected) return;
    this.connected = true;
    this.find(".bn-reset").onclick = () => zoom.reset(this.panel);
    this.find(".bn-in").onclick = () => zoom.scale(this.panel, 0.5);
    this.find(".bn-out").onclick = () => zoom.scale(this.panel, 2);
  }

  named(title) {
    const names = { in: "Zoom in on the steps", out: "Zoom out of the steps", reset: "Reset zoom", save: "Save" };
    for (const [part, words] of Object.entries(names)) {
      this.find(`.bn-${part}`).setAttribute("aria-label", `${words}: ${title}`);
    }
    this.element.classList.toggle("bn-timeless", !this.panel.chart.time_axes.length);
  }

  zoomed(yes) {
    this.find(".bn-reset").hidden = !yes;
  }

  fill() {
    const about = this.describe();
    const kinds = [["PNG", "png", "light"], ["SVG", "svg", "light"]];
    if (about.dark) kinds.push(["PNG, dark", "png", "dark"], ["SVG, dark", "svg", "dark"]);
    const items = kinds.map(([words, format, theme]) => {
      const button = Object.assign(document.createElement("button"), { type: "button", textContent: words });
      button.onclick = () => {
        this.menu.hidePopover();
        save(this.panel, format, theme, about).catch((error) => about.say(error.message));
      };
      return button;
    });
    const link = Object.assign(document.createElement("a"), { textContent: "CSV", download: "" });
    link.href = about.csv(this.panel.chart.id);
    link.onclick = () => this.menu.hidePopover();
    this.menu.replaceChildren(...items, link);
  }
}
