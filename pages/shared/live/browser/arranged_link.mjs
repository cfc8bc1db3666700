// Copies the link of a lesson that is being arranged, or opens it as a student would. What was just
// typed is in the link once the page's script has run again, so a press waits for that.
const patience = 4000; // milliseconds to wait for the script, and that "Copied" stays
const fields = ".st-key-lesson_panel :is(input, textarea)";

const links = new WeakMap();
let isTyped = false; // whether a field holds what the script has not been told
const settled = [];

document.addEventListener("input", ({ target }) => (isTyped ||= target.matches(fields)), true);

export default function ({ parentElement, data }) {
  const box = parentElement.querySelector(".bn-arranged");
  links.set(box, data.link);
  for (const button of box.querySelectorAll("button")) {
    button.disabled = !data.link;
    button.onclick = button.dataset.does === "copy" ? () => copy(box) : () => view(box);
  }
  if (document.activeElement?.matches(fields)) return; // it is sent when it loses the focus
  isTyped = false;
  for (const go of settled.splice(0)) go();
}

async function newest(box) {
  if (isTyped) await Promise.race([new Promise((go) => settled.push(go)), new Promise((go) => setTimeout(go, patience))]);
  return links.get(box);
}

async function copy(box) {
  const link = await newest(box);
  if (!link) return;
  try {
    await navigator.clipboard.writeText(link);
    box.querySelector("input").hidden = true;
    say(box, "Copied");
  } catch {
    const field = box.querySelector("input");
    Object.assign(field, { value: link, hidden: false, onblur: () => (field.hidden = true) });
    field.focus();
    field.select();
    say(box, "Press Ctrl+C to copy");
  }
}

// The window is opened at once: later a browser would take it for one that nobody asked for.
async function view(box) {
  const opened = window.open("about:blank", "_blank");
  const link = await newest(box);
  if (!opened) return say(box, "The browser opened no window. Copy the link instead.");
  if (!link) return opened.close();
  opened.opener = null;
  opened.location.replace(link);
}

function say(box, words) {
  const status = box.querySelector("span");
  status.textContent = words;
  clearTimeout(box.timer);
  box.timer = setTimeout(() => (status.textContent = ""), patience);
}
