// The slider over the recorded steps.
const patience = 3000; // milliseconds until a step that was asked for is given up

export class TimeSlider {
  constructor(root, onMove) {
    this.root = root;
    this.input = root.querySelector(".bn-time input");
    this.output = root.querySelector(".bn-time output");
    this.onMove = onMove;
  }

  // Return the step that the reader asked for and the charts do not show yet: undefined if there
  // is none, null for the newest.
  wanted() {
    return this.asked?.step;
  }

  show(update) {
    const newest = update.steps.length - 1;
    this.input.max = newest;
    // As long as the run is short of its plan, so is the slider.
    const share = update.steps[newest] / Math.max(update.planned, 1);
    this.input.style.setProperty("--bn-share", newest < 1 ? 0.05 : Math.min(Math.max(share, 0.05), 1));
    this.input.disabled = newest < 1;
    if (this.asked && (update.cursor === this.asked.step || Date.now() > this.asked.until)) {
      this.asked = null;
    }
    if (this.asked) return; // the reader has moved on; the charts will follow
    this.point(update.cursor);
    this.input.value = update.cursor === null ? newest : update.steps.indexOf(update.cursor);
    const words = describe(update);
    this.input.setAttribute("aria-valuetext", words);
    this.output.textContent = words;
    this.input.oninput = () => {
      const index = Number(this.input.value);
      const step = index >= newest ? null : update.steps[index];
      this.asked = { step, until: Date.now() + patience };
      this.point(step);
      this.onMove();
    };
  }

  // Move the crosshair of the charts.
  point(step) {
    if (step === this.pointed) return;
    this.pointed = step;
    this.root.dispatchEvent(new CustomEvent("bn-step", { detail: step }));
  }
}

function describe(update) {
  const step = update.step.toLocaleString("en");
  if (update.cursor === null) return `step ${step} of ${update.planned.toLocaleString("en")}`;
  return `back at step ${update.cursor.toLocaleString("en")} of ${step}`;
}
