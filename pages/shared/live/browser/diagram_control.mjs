// What the reader does with the diagram, by mouse and by keyboard.

export class Control {
  constructor(view, onEdit) {
    Object.assign(this, { view, onEdit });
    view.root.addEventListener("click", (event) => this.click(event));
  }

  restore() {}

  click(event) {
    const box = event.target.closest(".bn-lane");
    if (!box) return;
    const chosen = this.view.lanes[Number(box.dataset.lane)];
    const layer = Number(event.target.closest(".bn-block")?.dataset.layer ?? 0);
    if (event.target.closest(".bn-chip-norm")) {
      this.edit("toggle", chosen, event.shiftKey ? 0 : layer);
    }
  }

  edit(kind, chosen, layer, place = "before") {
    this.onEdit({ kind, arm: chosen.lane.arm, layer, place });
  }
}
