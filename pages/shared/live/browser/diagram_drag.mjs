// Dragging a layer's norm across its activation.

const least = 6; // pixels until a press becomes a drag

export class Drag {
  // `onDrop` is called with the norm, "before" or "after", and whether Shift was held.
  constructor(root, onDrop) {
    this.onDrop = onDrop;
    root.addEventListener("pointerdown", (event) => this.begin(event));
    root.addEventListener("pointermove", (event) => this.follow(event));
    root.addEventListener("pointerup", (event) => this.end(event));
    root.addEventListener("pointercancel", () => this.cancel());
  }

  begin(event) {
    const norm = event.target.closest("button.bn-chip-norm:not(.bn-absent, .bn-fixed)");
    this.justEnded = false;
    if (!norm || event.button !== 0) return;
    this.held = { norm, from: event.clientX, id: event.pointerId, moved: false };
  }

  follow(event) {
    const held = this.held;
    if (!held || event.pointerId !== held.id) return;
    const by = event.clientX - held.from;
    if (!held.moved && Math.abs(by) < least) return;
    if (!held.moved) held.norm.setPointerCapture(held.id);
    held.moved = true;
    held.norm.classList.add("bn-dragged");
    held.norm.style.transform = `translateX(${by}px)`;
  }

  end(event) {
    const held = this.held;
    if (!held || event.pointerId !== held.id) return;
    const box = held.norm.getBoundingClientRect();
    this.cancel();
    if (!held.moved) return; // it was a click
    this.justEnded = true;
    setTimeout(() => (this.justEnded = false));
    const beside = held.norm.parentElement.querySelector(".bn-chip-activation")?.getBoundingClientRect();
    if (!beside) return;
    const isBefore = box.left + box.width / 2 < beside.left + beside.width / 2;
    this.onDrop(held.norm, isBefore ? "before" : "after", event.shiftKey);
  }

  cancel() {
    const norm = this.held?.norm;
    this.held = null;
    norm?.classList.remove("bn-dragged");
    if (norm) norm.style.transform = "";
  }
}
