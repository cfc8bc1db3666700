// Choosing a data set by its picture: radio buttons whose labels are drawn from the data.
import { base, isDark, paint, palettesReady, stylesReady } from "./theme.mjs";

const size = 96; // canvas pixels; shown at half of it
const picturesReady = fetch(new URL("pictures.json", base)).then((answer) => answer.json());

export default async function ({ parentElement, data, setTriggerValue }) {
  const group = parentElement.querySelector("fieldset");
  group.dataset.asked = data.value;
  await stylesReady;
  const have = new Set([...group.querySelectorAll("input")].map((input) => input.value));
  for (const [name, words] of data.options) if (!have.has(name)) group.append(option(name, words));
  for (const label of group.querySelectorAll("label")) {
    const { value } = label.querySelector("input");
    if (!data.options.some(([name]) => name === value)) label.remove();
  }
  for (const input of group.querySelectorAll("input")) {
    input.checked = input.value === group.dataset.asked;
    input.onchange = () => setTriggerValue("chosen", input.value);
  }
  await drawAll(group, data.own);
}

function option(name, words) {
  const label = document.createElement("label");
  label.innerHTML = `<input type="radio" name="bn-data"><canvas width="${size}" height="${size}"
    aria-hidden="true"></canvas><span></span>`;
  label.querySelector("input").value = name;
  label.querySelector("span").textContent = words;
  return label;
}

async function drawAll(group, own) {
  const [drawn, palettes] = await Promise.all([picturesReady, palettesReady]);
  const pictures = { ...drawn, ...own };
  const palette = palettes[isDark(group) ? "dark" : "light"];
  for (const label of group.querySelectorAll("label")) {
    const picture = pictures[label.querySelector("input").value];
    const pen = label.querySelector("canvas").getContext("2d");
    pen.clearRect(0, 0, size, size);
    if (!picture) continue;
    if (picture.images.length) drawImages(pen, picture.images, palette);
    else drawPoints(pen, picture, palette);
  }
}

function drawPoints(pen, { points, labels }, palette) {
  points.forEach(([x, y], i) => {
    const [across, down] = [size / 2 + (x * size) / 2.3, size / 2 - (y * size) / 2.3];
    pen.fillStyle = paint(labels[i] ? "@class_one" : "@class_zero", palette);
    pen.beginPath();
    if (labels[i]) pen.arc(across, down, 3.4, 0, 2 * Math.PI);
    else pen.rect(across - 3, down - 3, 6, 6);
    pen.fill();
  });
}

function drawImages(pen, images, palette) {
  const ink = palette.text;
  const across = Math.ceil(Math.sqrt(images.length));
  const side = images[0].length;
  const dot = size / across / side;
  images.forEach((image, i) => {
    const [left, top] = [(i % across) * side * dot, Math.floor(i / across) * side * dot];
    image.forEach((row, y) =>
      row.forEach((shade, x) => {
        pen.fillStyle = `rgba(${ink}, ${shade / 255})`;
        pen.fillRect(left + x * dot, top + y * dot, dot + 0.3, dot + 0.3);
      }),
    );
  });
}
