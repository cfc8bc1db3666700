// The nets as a diagram: a lane for each, drawn at once and updated in place, at most once a frame.
import { Control } from "./diagram_control.mjs";
import { LaneView } from "./diagram_lane.mjs";
import { Enlarged } from "./diagram_enlarged.mjs";
import { Legend } from "./diagram_legend.mjs";
import { element } from "./diagram_parts.mjs";

const calm = window.matchMedia("(prefers-reduced-motion: reduce)");
const calmPause = 500; // milliseconds between two drawings for readers who asked for less motion
const quiet = 4000; // milliseconds between two sentences to a screen reader

export class NetDiagram {
  // `onEdit` is called with what the reader changes: { kind, arm, layer, place }; `onClose` when
  // the layer shown large is to be closed.
  constructor(root, onEdit, onClose) {
    this.root = root.querySelector(".bn-nets");
    Object.assign(this, { lanes: [], shown: 0, saidAt: 0, kinds: [] });
    this.control = new Control(this, onEdit, (sentence) => this.say(sentence));
    this.list = element("div", "bn-lanes");
    this.legend = new Legend(this.root, Control.keys);
    this.enlarged = new Enlarged(onClose);
    this.said = Object.assign(element("p", "bn-nets-said"), { role: "status" });
    this.root.addEventListener("keydown", ({ key }) => {
      if (key === "Escape" && !this.enlarged.box.hidden) onClose();
    });
    this.list.addEventListener("scroll", (event) => this.follow(event), true);
    this.root.append(this.control.bar, this.list, this.legend.box, this.enlarged.box, this.said);
    new ResizeObserver(() => this.tellWhatIsHidden()).observe(this.root);
  }

  // Take over an update; it is drawn in the browser's next frame, and the first at once: plotly's
  // start would keep it waiting.
  show(update, palette) {
    if (update.nets) this.build(update.nets, palette);
    else if (palette !== this.palette && this.nets) this.build(this.nets, palette);
    if (!update.diagram || !this.nets) return;
    this.next = update.diagram;
    if (this.shown) this.schedule();
    else this.draw();
  }

  // Make the lanes fit the nets. Those that stay keep their elements, and so the reader's focus.
  build(nets, palette) {
    Object.assign(this, { nets, palette });
    while (this.lanes.length > nets.lanes.length) this.lanes.pop().box.remove();
    nets.lanes.forEach((lane, index) => {
      this.lanes[index] ??= new LaneView(this.list, index);
      this.lanes[index].build(lane, nets, palette);
    });
    const isShort = nets.lanes.every((lane) => lane.blocks.length <= 9); // wider ones need the whole width
    this.root.classList.toggle("bn-low", nets.lanes.length === 3 && isShort);
    this.root.classList.toggle("bn-compact", nets.lanes.length > 3);
    this.root.classList.toggle("bn-dense", nets.lanes.length > 4);
    this.root.hidden = false;
    this.legend.show(nets);
    this.align();
    this.marked = null;
    this.control.restore();
  }

  // Give every layer one width, so that a layer of one net stands below the same of another.
  align() {
    if (!this.lanes.length) return;
    const hidden = this.lanes.map((view) => view.blocks.filter((one) => one.block.layer).length);
    this.list.classList.add("bn-measured");
    const chips = [...this.root.querySelectorAll(".bn-chips")].map((box) => box.offsetWidth);
    this.list.classList.remove("bn-measured");
    this.list.style.setProperty("--bn-layers", Math.max(...hidden));
    this.list.style.setProperty("--bn-block", `max(5.1rem, ${Math.max(...chips) + 2}px)`);
    this.tellWhatIsHidden();
  }

  // Show on each lane on which side it goes on.
  tellWhatIsHidden() {
    for (const view of this.lanes) view.tellWhatIsHidden();
  }

  // The lanes scroll sideways together. Those that were told to follow do not lead: the lane that
  // the reader moves may still be on its way.
  follow(event) {
    const left = event.target.scrollLeft;
    const leader = this.lanes.find((view) => view.strip === event.target);
    if (!leader || leader.followed === left) return;
    for (const view of this.lanes) {
      if (view === leader) continue;
      view.strip.scrollLeft = left;
      view.followed = view.strip.scrollLeft;
    }
    leader.followed = undefined;
    this.tellWhatIsHidden();
  }

  schedule() {
    if (this.scheduled) return;
    this.scheduled = true;
    const wait = calm.matches ? Math.max(0, this.shown + calmPause - performance.now()) : 0;
    setTimeout(() => requestAnimationFrame(() => this.draw()), wait);
  }

  draw() {
    const began = performance.now();
    const diagram = this.next;
    this.scheduled = false;
    diagram.lanes.forEach((net, index) => this.lanes[index]?.draw(net));
    this.legend.draw(diagram);
    this.enlarged.draw(diagram, this.lanes);
    this.mark(diagram.large?.layer ?? 0);
    this.shown = performance.now();
    if (diagram.at === null) return; // the nets are still to be built
    this.sayStates(diagram);
    tellTests(diagram, this.shown - began);
  }

  // Mark the layer that is shown large.
  mark(number) {
    if (number === this.marked) return;
    this.marked = number;
    for (const view of this.lanes) for (const one of view.blocks) one.mark(number);
  }

  // Tell a screen reader when the state of a net becomes another, not when its numbers do.
  sayStates(diagram) {
    if (performance.now() - this.saidAt < quiet) return;
    const changed = diagram.lanes.filter((net, index) => net.kind !== this.kinds[index]);
    const first = this.kinds.length === 0;
    this.kinds = diagram.lanes.map((net) => net.kind);
    const words = changed.map((net) => `${this.lanes[diagram.lanes.indexOf(net)]?.lane.label}: ${net.words}, accuracy ${net.accuracy}.`);
    if (words.length && !first) this.say(words.join(" "));
  }

  say(sentence) {
    this.said.textContent = sentence;
    this.saidAt = performance.now();
  }
}

// A browser test and a benchmark read these.
function tellTests(diagram, milliseconds) {
  window.bnDiagramSequence = (window.bnDiagramSequence ?? 0) + 1;
  window.bnDiagramStep = diagram.at;
  window.bnDiagramMilliseconds = (window.bnDiagramMilliseconds ?? 0) + milliseconds;
}
