// A chart as a picture: plotly draws a copy, and the title, the legend, the settings and the link
// are set around it.
import { make, shapes, width as swatchWidth } from "./swatch.mjs";
import { loadPlotly, paint, palettesReady } from "./theme.mjs";
import { fitTitles } from "./titles.mjs";

const size = { width: 960, plot: 480, edge: 24, line: 20 };
// A picture is drawn, and opened elsewhere, without the page's own fonts: these are as wide as each
// other on all systems.
const font = "Arial, Helvetica, 'Liberation Sans', Arimo, sans-serif";
const scale = 2; // pixels of a PNG for each of the page's

export async function save(panel, format, theme, about) {
  const svg = await picture(panel, theme, about);
  const text = new XMLSerializer().serializeToString(svg);
  const blob = format === "svg" ? new Blob([text], { type: "image/svg+xml" }) : await raster(text, svg);
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = `batch-norm-lab-${panel.chart.id.replace(/[^a-z0-9]+/gi, "-")}.${format}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

// Return the whole picture as an SVG element.
export async function picture(panel, theme, about) {
  const palette = (await palettesReady)[theme];
  const chart = panel.chart;
  const text = paint("@text", palette);
  const page = new Page(text, paint("@muted", palette));
  page.line([chart.title], 22, 600);
  page.legend(chart.legend, palette);
  const plot = await plotOf(panel, palette);
  page.place(plot);
  page.wrapped(about.settings, 13);
  page.wrapped(about.link, 12);
  return page.finished(paint("@paper", palette));
}

async function plotOf({ chart, plot }, palette) {
  const figure = paint(chart.figure, palette);
  const height = Math.max(size.plot, chart.height * 1.3);
  const wanted = { ...figure.layout, width: size.width, height };
  wanted.font = { ...wanted.font, family: font };
  fitTitles(wanted, size.width);
  for (const name of Object.keys(plot.layout ?? {})) {
    // What the reader has zoomed to.
    if (/^[xy]axis/.test(name) && plot._fullLayout[name]?.range) {
      wanted[name] = { ...wanted[name], range: [...plot._fullLayout[name].range], autorange: false };
    }
  }
  const shown = (index) => plot.data?.[index]?.visible ?? true;
  const data = [...figure.data].map((trace, index) => ({ ...trace, visible: shown(index) }));
  const plotly = await loadPlotly();
  const options = { format: "svg", width: size.width, height };
  const address = await plotly.toImage({ data, layout: wanted }, options);
  const source = decodeURIComponent(address.slice(address.indexOf(",") + 1));
  const parsed = new DOMParser().parseFromString(source, "image/svg+xml").documentElement;
  return Object.assign(document.importNode(parsed, true), { bnHeight: height });
}

class Page {
  constructor(text, muted) {
    Object.assign(this, { text, muted, y: size.edge, parts: [] });
    this.pen = document.createElement("canvas").getContext("2d");
  }

  measure(words, pixels, weight = 400) {
    this.pen.font = `${weight} ${pixels}px ${font}`;
    return this.pen.measureText(words).width;
  }

  words(content, x, pixels, colour, weight = 400) {
    const look = { x, y: this.y + pixels * 0.8, fill: colour, "font-size": pixels, "font-weight": weight, "font-family": font };
    const made = make("text", look);
    made.textContent = content;
    // Where none of the fonts is there, the words still take the room that was measured for them.
    made.setAttribute("textLength", this.measure(content.trim(), pixels, weight));
    made.setAttribute("lengthAdjust", "spacingAndGlyphs");
    this.parts.push(made);
  }

  line(contents, pixels, weight) {
    this.words(contents[0], size.edge, pixels, this.text, weight);
    this.y += pixels + 12;
  }

  legend(entries, palette) {
    let x = size.edge;
    for (const entry of entries) {
      const needed = swatchWidth + 8 + this.measure(entry.label, 14) + 24;
      if (x + needed > size.width - size.edge && x > size.edge) {
        x = size.edge;
        this.y += size.line;
      }
      const group = make("g", { transform: `translate(${x} ${this.y})` });
      group.append(...shapes(paint(entry.colour, palette), entry.dash, entry.symbol));
      this.parts.push(group);
      this.words(entry.label, x + swatchWidth + 8, 14, this.text);
      x += needed;
    }
    if (entries.length) this.y += size.line + 4;
  }

  place(plot) {
    const height = plot.bnHeight;
    for (const [name, value] of Object.entries({ x: 0, y: this.y, width: size.width, height })) {
      plot.setAttribute(name, value);
    }
    this.parts.push(plot);
    this.y += height + 8;
  }

  // Words over as many lines as they need; a link breaks at its signs.
  wrapped(content, pixels) {
    const most = size.width - 2 * size.edge;
    let line = "";
    for (const piece of content.split(/(?<=[ &;,~:?/-])/)) {
      if (line && this.measure(line + piece, pixels) > most) {
        this.words(line, size.edge, pixels, this.muted);
        this.y += pixels + 5;
        line = "";
      }
      line += piece;
    }
    if (line) this.words(line, size.edge, pixels, this.muted);
    this.y += pixels + 5;
  }

  finished(paper) {
    const height = Math.ceil(this.y + size.edge / 2);
    const svg = make("svg", { xmlns: "http://www.w3.org/2000/svg", width: size.width, height });
    svg.setAttribute("viewBox", `0 0 ${size.width} ${height}`);
    svg.append(make("rect", { width: size.width, height, fill: paper }), ...this.parts);
    return svg;
  }
}

async function raster(text, svg) {
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`;
  await image.decode();
  const canvas = document.createElement("canvas");
  canvas.width = scale * Number(svg.getAttribute("width"));
  canvas.height = scale * Number(svg.getAttribute("height"));
  canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve, reject) =>
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("The browser made no picture. Save it as SVG.")))),
  );
}
