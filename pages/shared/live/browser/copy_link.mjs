// The button that copies the address of the page. Browsers allow it on secure pages only; elsewhere
// the address is shown and selected, to be copied by hand.
import "./choice_keys.mjs";
import "./history.mjs";
import "./printing.mjs";
import "./sidebar.mjs";
import "./terms.mjs";
import { stylesReady } from "./theme.mjs";

const shown = 4000; // milliseconds that "Copied" stays

export default async function ({ parentElement, data }) {
  const box = parentElement.querySelector(".bn-copy");
  await stylesReady;
  const [button, anchor] = [box.querySelector("button"), box.querySelector("a")];
  button.hidden = data.embedded;
  anchor.hidden = !data.embedded;
  button.onclick = () => copy(box);
  // The address changes with every choice, so it is read when it is needed.
  anchor.onpointerenter = anchor.onfocus = anchor.onclick = () => (anchor.href = pageLink());
  anchor.href = pageLink();
}

async function copy(box) {
  const link = pageLink();
  try {
    await navigator.clipboard.writeText(link);
    box.querySelector("input").hidden = true;
    say(box, "Copied");
  } catch {
    select(box, link);
  }
}

// The address without what makes the page fit into another one.
function pageLink() {
  const address = new URL(window.location.href);
  for (const name of ["embed", "embed_options"]) address.searchParams.delete(name);
  return address.href;
}

function select(box, link) {
  const field = box.querySelector("input");
  field.value = link;
  field.hidden = false;
  field.focus();
  field.select();
  field.onblur = () => (field.hidden = true);
  say(box, "Press Ctrl+C to copy");
}

function say(box, words) {
  const status = box.querySelector("span");
  status.textContent = words;
  clearTimeout(box.timer);
  box.timer = setTimeout(() => (status.textContent = ""), shown);
}
