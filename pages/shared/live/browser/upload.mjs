// Opening files of one's own: they go to the server by a route that takes them for this page alone.
import { base, stylesReady } from "./theme.mjs";

export default async function ({ parentElement, data, setTriggerValue }) {
  const place = parentElement.querySelector(".bn-upload");
  const input = place.querySelector("input");
  const words = place.querySelector("p");
  place.sending ??= false;
  const open = (files) => send(place, words, data, [...files], setTriggerValue);
  input.onchange = () => open(input.files);
  place.ondragover = (event) => {
    event.preventDefault();
    place.classList.add("bn-over");
  };
  place.ondragleave = () => place.classList.remove("bn-over");
  place.ondrop = (event) => {
    event.preventDefault();
    place.classList.remove("bn-over");
    open(event.dataTransfer.files);
  };
  if (!place.sending && !words.textContent)
    words.textContent = data.name ? `Open: ${data.name}` : "or drop it here";
  await stylesReady;
}

async function send(place, words, { token, most }, files, setTriggerValue) {
  if (!files.length || place.sending) return;
  if (files.reduce((sum, file) => sum + file.size, 0) > most) {
    words.textContent = `That is more than ${most / 2 ** 20} MB, the most here.`;
    return;
  }
  place.sending = true;
  words.textContent = "Sending …";
  const refused = await deliver(token, files);
  words.textContent = refused || `Open: ${files.map((file) => file.name).join(", ")}`;
  place.sending = false;
  place.querySelector("input").value = "";
  setTriggerValue("arrived", Date.now());
}

// Send files to the page of a token; return what speaks against them, or nothing.
export async function deliver(token, files) {
  try {
    for (const [part, file] of files.entries()) {
      const query = new URLSearchParams({ name: file.name, part: String(part) });
      const target = new URL(`files/${token}?${query}`, base);
      const answer = await fetch(target, { method: "POST", body: file });
      const said = await answer.json();
      if (!answer.ok) throw new Error(said.words);
    }
    return "";
  } catch (error) {
    return error.message || "The file could not be sent. Try again.";
  }
}
