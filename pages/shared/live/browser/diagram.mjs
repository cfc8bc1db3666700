// The nets as a diagram: a lane for each, drawn at once and updated in place, at most once a frame.
import { Control } from "./diagram_control.mjs";
import { LaneView } from "./diagram_lane.mjs";
import { legend } from "./diagram_parts.mjs";

const calm = window.matchMedia("(prefers-reduced-motion: reduce)");
const calmPause = 500; // milliseconds between two drawings for readers who asked for less motion

export class NetDiagram {
  // `onEdit` is called with what the reader changes: { kind, arm, layer, place }.
  constructor(root, onEdit) {
    this.root = root.querySelector(".bn-nets");
    this.lanes = [];
    this.shown = 0;
    this.control = new Control(this, onEdit);
  }

  // Take over an update; it is drawn in the browser's next frame.
  show(update, palette) {
    if (update.nets) this.build(update.nets, palette);
    else if (palette !== this.palette && this.nets) this.build(this.nets, palette);
    if (!update.diagram || !this.nets) return;
    this.next = update.diagram;
    this.schedule();
  }

  // Make the lanes fit the nets. Those that stay keep their elements, and so the reader's focus.
  build(nets, palette) {
    Object.assign(this, { nets, palette });
    while (this.lanes.length > nets.lanes.length) this.lanes.pop().box.remove();
    nets.lanes.forEach((lane, index) => {
      this.lanes[index] ??= new LaneView(this.laneList(), index);
      this.lanes[index].build(lane, nets, palette);
    });
    this.root.classList.toggle("bn-compact", nets.lanes.length > 3);
    this.root.hidden = false;
    this.control.restore();
  }

  laneList() {
    if (!this.list) {
      this.list = document.createElement("div");
      this.list.className = "bn-lanes";
      this.root.append(this.list, legend());
    }
    return this.list;
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
    this.list.style.setProperty("--bn-axis", `"±${diagram.axis}"`);
    this.shown = performance.now();
    tellTests(diagram, this.shown - began);
  }
}

// A browser test and a benchmark read these.
function tellTests(diagram, milliseconds) {
  window.bnDiagramSequence = (window.bnDiagramSequence ?? 0) + 1;
  window.bnDiagramStep = diagram.at;
  window.bnDiagramMilliseconds = (window.bnDiagramMilliseconds ?? 0) + milliseconds;
}
