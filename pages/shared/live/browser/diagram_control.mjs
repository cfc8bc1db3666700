// What the reader does with the diagram, by mouse and by keyboard. Each lane has two stops of the
// Tab key beside its tools: its layers, and the norms of its layers.
import { Drag } from "./diagram_drag.mjs";
import { element } from "./diagram_parts.mjs";

const patience = 5000; // milliseconds in which an edit is expected to have its effect
const help =
  "Press a norm to remove it, or +BN to add one; drag it past the activation to move it. Press a layer to see it large. Hill: the values that enter the activation. Arrow: the gradient on its way back.";
const keys =
  "Keys: on a norm Enter removes or adds it, Left and Right move it, Up and Down go on, with Shift in all layers; " +
  "on a layer Left and Right go on, Enter shows it large.";
const everywhere =
  "A norm that you add, remove or move then changes in every layer of its net. Holding Shift does the same once.";

export class Control {
  // `onEdit` is called with { kind, arm, layer, place }; `say` with what a screen reader should hear.
  constructor(view, onEdit, say) {
    Object.assign(this, { view, onEdit, say });
    const root = view.root;
    root.addEventListener("click", (event) => this.click(event));
    root.addEventListener("keydown", (event) => this.press(event));
    root.addEventListener("focusin", (event) => this.enter(event));
    this.drag = new Drag(root, (target, place, all) => this.move(this.find(target), place, all || this.all.checked));
    this.bar = element("div", "bn-nets-bar");
    this.bar.innerHTML = `<label><input type="checkbox"> Change all layers at once</label><span></span>`;
    this.all = this.bar.querySelector("input");
    this.all.parentElement.title = everywhere;
    this.all.onchange = () => this.say(this.all.checked ? "Changes of a norm now apply to all layers." : "Changes of a norm now apply to one layer.");
    this.bar.lastChild.textContent = help;
  }

  static get keys() {
    return keys;
  }

  // Say a sentence once the nets have changed: an edit may be refused.
  announce(sentence) {
    this.awaited = { sentence, until: performance.now() + patience, norms: this.norms() };
  }

  // Where norms stand in all lanes: lanes that are built anew without a change there say nothing.
  norms() {
    const places = ({ lane, blocks }) => [lane.arm, blocks.map(({ hasNorm, place }) => [hasNorm, place])];
    return JSON.stringify(this.view.lanes.map(places));
  }

  // After the lanes were built: what was asked for is said, and one layer and one norm of each lane can be reached by Tab.
  restore() {
    const { sentence, until, norms } = this.awaited ?? {};
    if (norms !== this.norms()) {
      if (performance.now() < until) this.say(sentence);
      this.awaited = null;
    }
    for (const strip of this.view.lanes) {
      const at = Math.min(strip.current ?? 0, strip.blocks.length - 1);
      this.choose(strip, Math.max(at, 0));
    }
  }

  choose(strip, index) {
    strip.current = index;
    strip.blocks.forEach((one, at) => {
      one.button.tabIndex = at === index ? 0 : -1;
      if (one.norm) one.norm.tabIndex = at === index ? 0 : -1;
    });
    // A layer without a norm of its own leaves the stop to the next that has one.
    const current = strip.blocks[index]?.norm;
    if (!current) this.firstNorm(strip)?.setAttribute("tabindex", 0);
  }

  firstNorm(strip) {
    return strip.blocks.find((one) => one.norm)?.norm;
  }

  // Return the lane, and the layer's place in it, that an element belongs to.
  find(target) {
    const strip = this.view.lanes[Number(target.closest(".bn-lane")?.dataset.lane)];
    const box = target.closest(".bn-block");
    const index = strip ? strip.blocks.findIndex((one) => one.box === box) : -1;
    return { strip, index, shown: strip?.blocks[index] };
  }

  enter(event) {
    const { strip, index } = this.find(event.target);
    if (index >= 0 && event.target.matches(".bn-layer, .bn-chip-norm")) this.choose(strip, index);
  }

  click(event) {
    const { strip, shown } = this.find(event.target);
    if (!strip) return;
    const button = event.target.closest("button");
    const tool = button?.dataset.tool;
    if (tool) this.edit(tool, strip, 0);
    else if (button === strip.examplesBox) strip.nextExample(event);
    else if (button === shown?.norm && button && !this.drag.justEnded) this.toggle(strip, shown, this.isAll(event));
    else if (button === shown?.button && button) this.edit("select", strip, shown.block.layer);
  }

  isAll(event) {
    return event.shiftKey || this.all.checked;
  }

  press(event) {
    const { strip, index, shown } = this.find(event.target);
    if (!shown || event.ctrlKey || event.altKey || event.metaKey) return;
    const done =
      event.target === shown.norm
        ? this.pressOnNorm(event, strip, index, shown)
        : event.target === shown.button && this.pressOnLayer(event, strip, index);
    if (!done) return;
    event.preventDefault();
    event.stopPropagation(); // the page has keys of its own
  }

  pressOnLayer(event, strip, index) {
    const last = strip.blocks.length - 1;
    const to = { ArrowLeft: index - 1, ArrowRight: index + 1, Home: 0, End: last }[event.key];
    if (to !== undefined) strip.blocks[Math.min(Math.max(to, 0), last)].button.focus();
    else if (event.key === "ArrowDown" || event.key === "ArrowUp") (strip.blocks[index].norm ?? this.firstNorm(strip))?.focus();
    return to !== undefined || event.key === "ArrowDown" || event.key === "ArrowUp";
  }

  pressOnNorm(event, strip, index, shown) {
    const norms = strip.blocks.map((one) => one.norm).filter(Boolean);
    const at = norms.indexOf(shown.norm);
    switch (event.key) {
      case "ArrowLeft":
      case "ArrowRight":
        this.move({ strip, shown }, event.key === "ArrowLeft" ? "before" : "after", this.isAll(event));
        return true;
      case "ArrowUp":
      case "ArrowDown":
        norms[Math.min(Math.max(at + (event.key === "ArrowDown" ? 1 : -1), 0), norms.length - 1)].focus();
        return true;
      case "Enter":
      case " ":
        if (!event.repeat) this.toggle(strip, shown, this.isAll(event));
        return true;
    }
    return false;
  }

  // With all layers, a norm that is there is removed everywhere, and one that is missing is added everywhere.
  toggle(strip, shown, all) {
    const [verb, kind] = shown.hasNorm ? ["removed from", "remove_everywhere"] : ["added to", "add_everywhere"];
    this.announce(`${shown.normWords} ${verb} ${where(shown, all)} of ${strip.lane.label}.`);
    if (all) this.edit(kind, strip, 0, shown.place);
    else this.edit("toggle", strip, shown.block.layer, shown.place);
  }

  move({ strip, shown }, place, all) {
    const present = all ? strip.blocks.some((one) => one.hasNorm) : shown.hasNorm;
    if (!present) return this.say("There is no norm to move. Enter adds one.");
    if (!all && shown.place === place) return;
    this.announce(`${shown.normWords} now stands ${place} the activation in ${where(shown, all)} of ${strip.lane.label}.`);
    this.edit("move", strip, all ? 0 : shown.block.layer, place);
  }

  edit(kind, chosen, layer, place = "before") {
    this.onEdit({ kind, arm: chosen.lane.arm, layer, place });
  }
}

function where(shown, all) {
  return all ? "all layers" : shown.block.label;
}
