// One net of the diagram: its examples, its layers as blocks, its outputs, its numbers.
import { arrow, bars, element, hill, hillPath, setPath, setText } from "./diagram_parts.mjs";
import { FeatureMaps } from "./diagram_maps.mjs";
import { drawExamples } from "./diagram_examples.mjs";
import { paint } from "./theme.mjs";

const secondsBetweenLabels = 1;
const calm = window.matchMedia("(prefers-reduced-motion: reduce)");

export class LaneView {
  constructor(parent, index) {
    this.box = element("section", "bn-lane");
    this.box.dataset.lane = index;
    this.box.innerHTML = `<header><h3><svg viewBox="0 0 28 10" aria-hidden="true"><path d="M0 5H28"></path></svg><span></span></h3>
      <span class="bn-lane-tools">
      <button type="button" data-tool="copy">Copy</button>
      <button type="button" data-tool="remove">Remove</button></span></header>
      <div class="bn-lane-net"><button type="button" class="bn-examples"></button><div class="bn-blocks"></div></div>
      <button type="button" class="bn-earlier-layers" tabindex="-1" title="Earlier layers" aria-label="Earlier layers" hidden>‹</button>
      <button type="button" class="bn-later-layers" tabindex="-1" title="Later layers" aria-label="Later layers" hidden>›</button>
      <div class="bn-lane-numbers"><span class="bn-what-number">accuracy<span class="bn-over-seeds"></span></span><b></b>
      <span class="bn-lane-loss"></span><span class="bn-lane-state"></span></div>`;
    const find = (selector) => this.box.querySelector(selector);
    Object.assign(this, {
      index,
      name: find("h3 span"),
      sample: find("h3 path"),
      examplesBox: find(".bn-examples"),
      strip: find(".bn-lane-net"),
      blocksBox: find(".bn-blocks"),
      earlier: find(".bn-earlier-layers"),
      later: find(".bn-later-layers"),
      over: find(".bn-over-seeds"),
      accuracy: find("b"),
      loss: find(".bn-lane-loss"),
      state: find(".bn-lane-state"),
      blocks: [],
      example: 0,
      labelled: 0,
    });
    this.earlier.onclick = () => this.scroll(-1);
    this.later.onclick = () => this.scroll(1);
    parent.append(this.box);
  }

  scroll(way) {
    const behavior = calm.matches ? "instant" : "smooth";
    this.strip.scrollBy({ left: way * 0.8 * this.strip.clientWidth, behavior });
  }

  // Fade the sides on which the lane goes on, and offer to go there.
  tellWhatIsHidden() {
    const { scrollLeft, scrollWidth, clientWidth } = this.strip;
    this.earlier.hidden = scrollLeft < 4;
    this.later.hidden = scrollLeft > scrollWidth - clientWidth - 4;
  }

  build(lane, nets, palette) {
    this.lane = lane;
    this.truths = nets.examples.truths;
    this.classes = nets.examples.classes;
    this.box.style.setProperty("--bn-arm", paint(lane.colour, palette));
    this.box.setAttribute("aria-label", `The net ${lane.label}`);
    this.name.textContent = lane.label;
    this.sample.setAttribute("stroke-dasharray", lane.dash === "solid" ? "none" : lane.dash.replaceAll("px", ""));
    for (const tool of this.box.querySelectorAll("[data-tool]")) {
      tool.setAttribute("aria-label", `${tool.textContent} the net ${lane.label}`);
    }
    const copy = this.box.querySelector("[data-tool=copy]");
    copy.disabled = nets.lanes.length >= nets.most;
    copy.title = copy.disabled ? `At most ${nets.most} nets fit at once. Remove one to copy another.` : "";
    this.box.querySelector("[data-tool=remove]").disabled = nets.lanes.length < 2;
    this.drawExamples = () => drawExamples(this.examplesBox, nets.examples, this.example, palette);
    this.drawExamples();
    while (this.blocks.length > lane.blocks.length) this.blocks.pop().remove();
    lane.blocks.forEach((block, index) => {
      this.blocks[index] ??= new BlockView(this.blocksBox);
      this.blocks[index].build(block, lane);
    });
  }

  // Show the classes of the example that was pressed; by keyboard, of the next one.
  nextExample(event) {
    const pressed = event.detail ? event.target.closest("[data-example]")?.dataset.example : undefined;
    this.example = pressed === undefined ? (this.example + 1) % this.truths.length : Number(pressed);
    this.drawExamples();
    if (this.net) this.draw(this.net);
  }

  draw(net) {
    this.net = net;
    setText(this.over, net.of ? `, ${net.of}` : "");
    setText(this.accuracy, net.accuracy);
    this.accuracy.classList.toggle("bn-in-words", !/\d/.test(net.accuracy));
    setText(this.loss, net.loss);
    setText(this.state, net.words);
    this.state.dataset.kind = net.kind;
    const label = performance.now() - this.labelled > 1000 * secondsBetweenLabels;
    if (label) this.labelled = performance.now();
    const share = net.outputs[this.example] ?? [];
    this.blocks.forEach((view, index) => {
      view.draw(net.layers[index], this.example);
      if (view.block.layer === 0) view.drawOutputs(share, this.truths[this.example], this.classes);
      if (label) view.label();
    });
  }
}

class BlockView {
  constructor(parent) {
    this.box = element("div", "bn-block");
    this.chipsBox = element("div", "bn-chips");
    this.button = element("button", "bn-layer");
    this.button.type = "button";
    this.sigma = element("span", "bn-sigma");
    this.share = element("span", "bn-share");
    this.number = element("span", "bn-layer-number");
    this.hill = hill();
    this.bars = bars();
    this.maps = new FeatureMaps();
    this.sick = element("span", "bn-sick-word");
    this.button.append(this.hill.svg, this.bars.svg, this.maps.canvas, this.sick, this.sigma, this.share);
    this.box.append(this.chipsBox, this.button, this.number);
    this.arrow = arrow();
    parent.append(this.box, this.arrow.svg);
  }

  remove() {
    this.box.remove();
    this.arrow.svg.remove();
  }

  build(block, lane) {
    Object.assign(this, { block, lane });
    const isOutput = block.layer === 0;
    this.box.dataset.layer = block.layer;
    this.box.classList.toggle("bn-output", isOutput);
    this.sigma.title = isOutput ? "The example's true class" : "Standard deviation of what enters the activation";
    this.share.title = isOutput ? "The probability that the net gives that class" : "";
    const isTimeStep = block.label.startsWith("t = ");
    const number = isTimeStep ? block.label : block.map[0] ? `${block.layer}: ${block.size}` : block.layer;
    this.number.textContent = isOutput ? "" : number;
    this.maps.build(block);
    this.hill.svg.style.display = isOutput ? "none" : "";
    this.bars.svg.style.display = isOutput ? "" : "none";
    this.button.disabled = isOutput;
    const offered = JSON.stringify(block.chips);
    if (offered !== this.offered) this.buildChips(block);
    this.offered = offered;
    this.norm?.setAttribute("aria-label", `${this.normWords}, ${block.label} of ${lane.label}, ${this.place} the activation`);
    this.label();
  }

  buildChips(block) {
    const held = this.chipsBox.contains(document.activeElement);
    const views = block.chips.map((chip) => chipView(chip, block));
    this.chipsBox.replaceChildren(...views);
    const at = block.chips.findIndex((chip) => chip.kind === "norm");
    const norm = at >= 0 && block.layer > 0 ? block.chips[at] : null;
    this.norm = norm ? views[at] : null;
    this.hasNorm = norm?.present ?? false;
    this.normWords = norm?.words ?? "";
    this.place = at < block.chips.findIndex((chip) => chip.kind === "activation") ? "before" : "after";
    if (held) this.norm?.focus();
  }

  draw(layer, example) {
    const isFirst = !this.layer?.std && layer?.std;
    this.layer = layer;
    if (isFirst) this.label(); // the reader may be here already
    this.maps.draw(layer?.maps[example] ?? []);
    this.box.classList.toggle("bn-gone", !layer);
    setPath(this.hill.path, layer ? hillPath(layer.density) : "");
    setText(this.sigma, layer?.std ? `σ ${layer.std}` : "");
    setText(this.share, (layer?.share ?? "").replace("saturated", "sat."));
    this.drawSick(layer?.sick ?? "");
    this.box.classList.toggle("bn-sick", Boolean(layer?.sick));
    this.arrow.draw(layer?.gradient ?? null);
  }

  // Where there is little room, the second word is not shown.
  drawSick(words) {
    if (words === this.sick.title) return;
    const [first, ...rest] = words.split(" ");
    const more = element("span", "bn-sick-of");
    more.textContent = rest.length ? ` ${rest.join(" ")}` : "";
    this.sick.title = words;
    this.sick.replaceChildren(first, more);
  }

  drawOutputs(shares, truth, classes) {
    this.bars.draw(shares, truth);
    const known = shares.length > 0;
    setText(this.sigma, known ? `true: ${classes[truth]}` : "");
    setText(this.share, known ? `${shares[truth]} %` : "");
  }

  mark(number) {
    const isLarge = number > 0 && number === this.block.layer;
    this.box.classList.toggle("bn-large", isLarge);
    this.button.setAttribute("aria-expanded", isLarge);
  }

  // Say the layer's numbers to a screen reader.
  label() {
    const { block, layer } = this;
    const parts = [`${block.label} of ${this.lane.label}, ${block.words}`];
    if (layer?.std) parts.push(`standard deviation ${layer.std}`);
    if (layer?.share) parts.push(layer.share);
    if (!block.layer) parts.push(`probability of the example's class: ${this.share.textContent || "unknown"}`);
    if (layer?.sick) parts.push(layer.sick);
    if (layer && layer.gradient !== null) parts.push(`gradient 10 to the ${layer.gradient.toFixed(1)}`);
    this.button.setAttribute("aria-label", parts.join(", "));
  }
}

function chipView(chip, block) {
  const isControl = chip.kind === "norm" && block.layer > 0;
  const view = element(isControl ? "button" : "span", `bn-chip bn-chip-${chip.kind}`);
  view.textContent = chip.present ? chip.text : `+${chip.text}`;
  view.title = chip.words;
  if (isControl) {
    view.type = "button";
    view.setAttribute("aria-pressed", chip.present);
    view.classList.toggle("bn-absent", !chip.present);
    view.classList.toggle("bn-fixed", !chip.movable);
  }
  return view;
}
