// One layer of every net, large: the distributions at each place where its values are measured.
import { FeatureMaps } from "./diagram_maps.mjs";
import { element, hill, hillPath, setPath, setText } from "./diagram_parts.mjs";

export class Enlarged {
  constructor(onClose) {
    this.box = element("section", "bn-enlarged");
    this.box.hidden = true;
    this.box.innerHTML = `<header><h3></h3><button type="button">Close</button></header><div></div>`;
    this.title = this.box.querySelector("h3");
    this.list = this.box.querySelector("div");
    this.rows = [];
    this.box.querySelector("button").onclick = onClose;
  }

  draw(diagram, lanes) {
    const large = diagram.large;
    this.box.hidden = !large;
    if (!large) return;
    setText(this.title, `${large.name}, step ${diagram.at.toLocaleString("en")}`);
    this.box.setAttribute("aria-label", `${large.name} of every net, large`);
    while (this.rows.length > large.lanes.length) this.rows.pop().box.remove();
    large.lanes.forEach((sites, index) => {
      this.rows[index] ??= new Row(this.list);
      this.rows[index].draw(sites, lanes[index], large.layer);
    });
  }
}

class Row {
  constructor(parent) {
    this.box = element("div", "bn-enlarged-net");
    this.name = element("h4", "");
    this.parts = [];
    this.channels = element("figure", "bn-channels");
    this.maps = new FeatureMaps();
    this.channels.append(element("figcaption", ""), this.maps.canvas);
    this.box.append(this.name, this.channels);
    parent.append(this.box);
  }

  draw(sites, view, layer) {
    this.drawMaps(view, layer - 1);
    setText(this.name, view?.lane.label ?? "");
    this.box.style.setProperty("--bn-arm", view?.box.style.getPropertyValue("--bn-arm") ?? "");
    while (this.parts.length > sites.length) this.parts.pop().box.remove();
    sites.forEach((site, index) => {
      const part = (this.parts[index] ??= this.add());
      setPath(part.hill.path, hillPath(site.density));
      setText(part.words, site.words);
      setText(part.numbers, site.numbers);
    });
  }

  // What the first channels put out for the example that is framed; nothing of a dense layer.
  drawMaps(view, index) {
    const { block, layer } = view?.blocks[index] ?? {};
    const maps = layer?.maps[view.example] ?? [];
    this.channels.hidden = !maps.length;
    if (!maps.length) return;
    if (this.block !== block) this.maps.build(block);
    this.block = block;
    this.maps.draw(maps);
    setText(this.channels.firstChild, `first ${maps.length} of ${block.size.split(" ")[0]} channels, framed example`);
  }

  add() {
    const part = { box: element("figure", ""), hill: hill(), words: element("figcaption", ""), numbers: element("span", "") };
    part.box.append(part.words, part.hill.svg, part.numbers);
    this.box.append(part.box);
    return part;
  }
}
