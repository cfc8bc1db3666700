// Feature maps: what the first channels of a convolution put out for one example, side by side.
import { element } from "./diagram_parts.mjs";

const gap = 1; // pixels between two maps
const levels = 15; // of a hexadecimal digit

export class FeatureMaps {
  constructor() {
    this.canvas = element("canvas", "bn-maps");
    this.canvas.setAttribute("aria-hidden", "true");
    this.canvas.hidden = true;
  }

  build(block) {
    [this.height, this.width] = block.map;
    this.canvas.hidden = !this.height;
    this.canvas.title = block.words;
    this.drawn = null;
  }

  // Draw maps, each a hexadecimal digit a pixel, in the colour of the page's text.
  draw(maps) {
    if (!this.height || this.drawn === maps.join()) return;
    this.drawn = maps.join();
    const { canvas, width, height } = this;
    canvas.height = height;
    canvas.width = Math.max(maps.length * (width + gap) - gap, 1);
    const context = canvas.getContext("2d");
    context.fillStyle = getComputedStyle(canvas).color;
    maps.forEach((digits, at) => {
      [...digits].forEach((digit, index) => {
        context.globalAlpha = 0.06 + (0.94 * parseInt(digit, 16)) / levels;
        context.fillRect(at * (width + gap) + (index % width), Math.floor(index / width), 1, 1);
      });
    });
  }
}
