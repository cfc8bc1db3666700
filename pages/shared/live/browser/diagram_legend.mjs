// What the parts of the diagram mean, below it: always there on a wide screen, to be opened on a phone.
import { arrow, element, leastPower, mostPower, setText } from "./diagram_parts.mjs";

const narrow = 620; // pixels, as in the styles
const ofExamples = {
  image: "Bars: the predicted probability of each class for the framed example (press another), a mark at the true class.",
  plane: "Bars: the predicted probability of each class for the circled example (press for another), a mark at the true class.",
  table: "Bars: the predicted probability of each class for one example, a mark at the true class.",
};
const ofShares = {
  "% dead": "dead: units that put out 0 for every example;",
  "% saturated": "sat.: outputs where the activation is flat, so that next to no gradient passes;",
};
const ofWeights = "W: weights.";
const ofTime = "Boxes t = 1, 2, …: the time steps of one hidden layer; all share the same weights.";
const ofMaps =
  "Pictures: what the first four channels put out for the framed example, faint for low and strong for high values; 16 ch 8x8: 16 channels of 8 x 8 positions.";
const common = ["W", "norm", "activation"]; // what needs no words, and what W stands for

export class Legend {
  constructor(root, keys) {
    this.box = element("details", "bn-nets-legend");
    this.box.innerHTML = "<summary>What the drawing shows</summary>";
    [this.arrows, this.hills, this.parts, this.examples, this.keys] = [1, 2, 3, 4, 5].map(() => element("span", ""));
    this.keys.className = "bn-keys";
    this.keys.textContent = keys;
    this.describeArrows();
    const text = element("p", "");
    text.append(this.arrows, " ", this.hills, " ", this.parts, " ", this.examples, " ", this.keys);
    this.box.append(text);
    new ResizeObserver(([change]) => this.fit(change.contentRect.width)).observe(root);
  }

  // The reader's own choice stays until the width passes the limit.
  fit(width) {
    if (!width || width < narrow === this.isNarrow) return;
    this.isNarrow = width < narrow;
    this.box.open = !this.isNarrow;
  }

  describeArrows() {
    const sample = (power, words) => {
      const one = arrow();
      one.draw(power);
      this.arrows.append(one.svg, words);
    };
    this.arrows.append("Arrows: the norm of the gradient that comes back to a layer's weights, ");
    sample(leastPower, "10⁻⁶ or less, ");
    sample(-2, "0.01, ");
    sample(mostPower, "10 or more.");
  }

  show(nets) {
    setText(this.examples, ofExamples[nets.examples.kind] ?? "");
    const blocks = nets.lanes.flatMap((lane) => lane.blocks);
    this.hasChannels = blocks.some((block) => block.map[0]);
    const chips = blocks.flatMap((block) => block.chips).filter(({ kind, text }) => !common.includes(kind) && text !== "W");
    const said = [...new Set(chips.map(({ text, words }) => `${text}: ${words[0].toLowerCase()}${words.slice(1)}.`))];
    const isInTime = blocks.some((block) => block.label.startsWith("t = "));
    setText(this.parts, [...(isInTime ? [ofTime] : []), ...(this.hasChannels ? [ofMaps] : []), ...said].join(" "));
  }

  draw(diagram) {
    const axis = diagram.axis.toLocaleString("en");
    const shares = diagram.lanes.flatMap((net) => net.layers.map((layer) => layer.share.replace(/^[^%]*/, "")));
    const words = Object.entries(ofShares).filter(([ending]) => shares.includes(ending));
    setText(
      this.hills,
      [`Hills: what enters each activation, -${axis} to ${axis}, dotted at 0; σ: its standard deviation;`, ...words.map(([, said]) => (this.hasChannels ? said.replace("units", "units or channels") : said)), ofWeights].join(" "),
    );
  }
}
