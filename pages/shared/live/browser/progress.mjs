// Keeps what the reader has learned in this browser, as one text. What another tab stores, and what
// was stored before, is told to the page's script, which joins it with what it knows.
import "./lesson_focus.mjs";

const key = "bn-lab.progress";
const visited = "bn-lab.visited";
const longest = 60000; // characters; a longer text is none
const settle = 150; // milliseconds in which changes of another tab are told together

// One for the whole page: it stays while the component is shown on one page after the other.
const held = { token: "", number: 0, timer: 0 };
let latest; // the component as it was shown last

export default function (component) {
  latest = component;
  const { token, number, text, greeted } = component.data ?? {};
  if (!token) return;
  welcome(greeted);
  if (token !== held.token) {
    Object.assign(held, { token, number: 0 });
    if (tell(attempt(() => localStorage.getItem(key)))) return;
  }
  if (number <= held.number) return;
  held.number = number;
  attempt(() => (text ? localStorage.setItem(key, text) : localStorage.removeItem(key)));
}

// On the first visit the page offers the start, until the reader has seen it or declines.
function welcome(greeted) {
  const page = document.documentElement;
  if (!attempt(() => localStorage.getItem(visited) ?? "")) {
    if (attempt(() => localStorage.setItem(visited, "1")) !== null) page.classList.add("bn-first");
  }
  if (greeted) page.classList.remove("bn-first");
}

function tell(text) {
  if (!text) return false;
  latest.setTriggerValue("stored", { token: held.token, text: text.length > longest ? "" : text });
  return true;
}

// Storage may be switched off, or full: then progress stays until this tab is closed.
function attempt(action) {
  try {
    return action();
  } catch {
    return null;
  }
}

window.addEventListener("storage", ({ key: changed, newValue }) => {
  if (!held.token || changed !== key) return;
  clearTimeout(held.timer);
  held.timer = setTimeout(() => tell(newValue), settle);
});
