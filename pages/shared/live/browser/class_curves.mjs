// Curves over the axes of a question: drawn by a student with a finger, a mouse or keys, and shown
// with those of the class. A curve is its heights, from 0 to 1, at equally spaced places.
export const points = 25; // as CURVE_POINTS of the server
const width = 400;
const height = 260;
const frame = { left: 46, right: 12, top: 12, bottom: 40 };
const namespace = "http://www.w3.org/2000/svg";
const step = 0.04; // of the height, for one press of a key

const x = (index) => frame.left + (index / (points - 1)) * (width - frame.left - frame.right);
const y = (share) => height - frame.bottom - share * (height - frame.top - frame.bottom);
const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

export function element(name, attributes = {}, text = "") {
  const made = document.createElementNS(namespace, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.textContent = text;
  return made;
}

export function path(heights) {
  return heights.map((share, i) => `${i ? "L" : "M"}${x(i).toFixed(1)} ${y(share).toFixed(1)}`).join("");
}

// The axes with their titles and ends; what is drawn over them is appended by the caller.
export function axesOf({ horizontal, vertical, last, top }) {
  const picture = element("svg", { viewBox: `0 0 ${width} ${height}`, class: "bn-curves", role: "img" });
  const ends = `M${x(0)} ${y(1)}V${y(0)}H${x(points - 1)}`;
  picture.append(
    element("path", { d: ends, class: "bn-axis" }),
    element("text", { x: x(0), y: height - 22, "text-anchor": "middle" }, "0"),
    element("text", { x: x(points - 1), y: height - 22, "text-anchor": "end" }, number(last)),
    element("text", { x: (x(0) + x(points - 1)) / 2, y: height - 6, "text-anchor": "middle" }, horizontal),
    element("text", { x: frame.left - 6, y: y(1) + 10, "text-anchor": "end" }, number(top)),
    element("text", { x: frame.left - 6, y: y(0), "text-anchor": "end" }, "0"),
    element("text", { transform: `translate(14 ${(y(0) + y(1)) / 2}) rotate(-90)`, "text-anchor": "middle" }, vertical),
  );
  return picture;
}

export const number = (value) => Number(value.toPrecision(3)).toLocaleString("en");

// An area to draw in. `done(heights)` is called when a curve is complete and after each change.
export function drawingArea(axes, heights, words, done) {
  const curve = heights ? [...heights] : Array(points).fill(null);
  const picture = axesOf(axes);
  const line = element("path", { class: "bn-mine" });
  const cursor = element("circle", { r: 7, class: "bn-axis", visibility: "hidden" });
  const hint = element("text", { x: width / 2, y: height / 2 - 14, class: "bn-hint" }, "Draw here with your finger");
  picture.append(hint, line, cursor);
  picture.setAttribute("tabindex", "0");
  picture.setAttribute("role", "application");
  picture.setAttribute("aria-label", "Draw the curve. Left and right move, up and down change the height, Enter sends it.");
  let at = 0;
  let from = null; // the last place of the stroke under way

  const show = () => {
    const known = curve.map((share, i) => [share, i]).filter(([share]) => share !== null);
    hint.setAttribute("visibility", known.length ? "hidden" : "visible");
    line.setAttribute("d", known.map(([share, i], n) => `${n ? "L" : "M"}${x(i)} ${y(share)}`).join(""));
    cursor.setAttribute("cx", x(at));
    cursor.setAttribute("cy", y(curve[at] ?? 0.5));
  };
  const finish = () => {
    const known = curve.flatMap((share, i) => (share === null ? [] : [i]));
    if (!known.length) return;
    for (let i = 0; i < points; i++) {
      if (curve[i] !== null) continue;
      const before = known.findLast((k) => k < i) ?? known[0];
      const behind = known.find((k) => k > i) ?? known.at(-1);
      const share = before === behind ? 0 : (i - before) / (behind - before);
      curve[i] = curve[before] + share * (curve[behind] - curve[before]);
    }
    show();
    done([...curve]);
  };
  const put = (index, share) => {
    const begin = from ?? index;
    const before = begin === index ? share : curve[begin];
    for (let i = Math.min(begin, index); i <= Math.max(begin, index); i++) {
      curve[i] = begin === index ? share : before + ((i - begin) / (index - begin)) * (share - before);
    }
    [from, at] = [index, index];
    show();
  };
  const place = (event) => {
    const box = picture.getBoundingClientRect();
    const across = ((event.clientX - box.left) / box.width) * width;
    const down = ((event.clientY - box.top) / box.height) * height;
    const index = Math.round(((across - frame.left) / (width - frame.left - frame.right)) * (points - 1));
    const share = (height - frame.bottom - down) / (height - frame.top - frame.bottom);
    put(clamp(index, 0, points - 1), clamp(share, 0, 1));
  };
  picture.addEventListener("pointerdown", (event) => {
    picture.setPointerCapture(event.pointerId);
    from = null;
    place(event);
  });
  picture.addEventListener("pointermove", (event) => {
    if (from !== null && picture.hasPointerCapture(event.pointerId)) place(event);
  });
  for (const end of ["pointerup", "pointercancel"]) {
    picture.addEventListener(end, () => {
      if (from !== null) finish();
      from = null;
    });
  }
  picture.addEventListener("keydown", (event) => {
    const moves = { ArrowLeft: -1, ArrowRight: 1 };
    const heights = { ArrowUp: step, ArrowDown: -step };
    if (event.key in moves) at = clamp(at + moves[event.key], 0, points - 1);
    else if (event.key in heights) curve[at] = clamp((curve[at] ?? 0.5) + heights[event.key], 0, 1);
    else if (event.key === "Enter") return finish();
    else return;
    event.preventDefault();
    cursor.setAttribute("visibility", "visible");
    const value = curve[at] === null ? "not drawn" : number(curve[at] * axes.top);
    words(`${axes.horizontal} ${number((at / (points - 1)) * axes.last)}: ${value}`);
    show();
  });
  show();
  return picture;
}
