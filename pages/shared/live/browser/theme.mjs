// Colours by name, light or dark, styles, and plotly's own code: each once for the whole page.
export const base = new URL("lab-files/", document.baseURI);
const named = /^@([a-z_]+)(?:\/([0-9.]+))?$/;

// The page's styles stand in its HTML.
export const stylesReady = Promise.all([...document.querySelectorAll("link[rel=stylesheet]")].map(loaded));

function loaded(link) {
  return link.sheet ?? new Promise((resolve) => (link.onload = link.onerror = resolve));
}

let plotly = null;

// Return plotly. Its code is fetched with the page, and takes a moment to start, in which the
// browser does nothing else: so it starts when the first chart needs it, behind what can be seen.
export function loadPlotly() {
  plotly ??= painted().then(
    () =>
      new Promise((resolve, reject) => {
        const script = document.createElement("script");
        script.src = new URL("plotly.min.js", import.meta.url);
        script.onload = () => resolve(window.Plotly);
        script.onerror = () => reject(new Error("The drawing code did not load. Reload the page."));
        document.head.append(script);
      }),
  );
  return plotly;
}

// A page that is not in front paints nothing, so it waits for a moment only.
function painted() {
  return new Promise((resolve) => {
    requestAnimationFrame(() => setTimeout(resolve));
    setTimeout(resolve, 200);
  });
}

export const palettesReady = fetch(new URL("palettes.json", base)).then((answer) => answer.json());

export function paint(value, palette) {
  if (typeof value === "string") {
    const found = named.exec(value);
    return found && palette[found[1]] ? `rgba(${palette[found[1]]}, ${found[2] ?? 1})` : value;
  }
  if (Array.isArray(value)) return value.map((item) => paint(item, palette));
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, paint(v, palette)]));
}

export function isDark(element) {
  const probe = document.createElement("span");
  probe.style.color = "var(--st-background-color)";
  element.append(probe);
  const found = getComputedStyle(probe).color.match(/[\d.]+/g);
  probe.remove();
  if (!found) return false; // the element has just left the page, so no colour shows
  const [r, g, b] = found.map(Number);
  return r * 0.299 + g * 0.587 + b * 0.114 < 128;
}
