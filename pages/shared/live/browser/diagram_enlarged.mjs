// One layer of every net, large: the distributions at each place where its values are measured.
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
    setText(this.title, `Layer ${large.layer}, step ${diagram.at.toLocaleString("en")}`);
    this.box.setAttribute("aria-label", `Layer ${large.layer} of every net, large`);
    while (this.rows.length > large.lanes.length) this.rows.pop().box.remove();
    large.lanes.forEach((sites, index) => {
      this.rows[index] ??= new Row(this.list);
      this.rows[index].draw(sites, lanes[index]);
    });
  }
}

class Row {
  constructor(parent) {
    this.box = element("div", "bn-enlarged-net");
    this.name = element("h4", "");
    this.parts = [];
    this.box.append(this.name);
    parent.append(this.box);
  }

  draw(sites, view) {
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

  add() {
    const part = { box: element("figure", ""), hill: hill(), words: element("figcaption", ""), numbers: element("span", "") };
    part.box.append(part.words, part.hill.svg, part.numbers);
    this.box.append(part.box);
    return part;
  }
}
