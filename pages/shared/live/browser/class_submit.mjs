// The Lab's button that submits its run to the class this browser has joined: by its link alone.
import { ask } from "./class_connection.mjs";
import { stylesReady } from "./theme.mjs";

export default async function ({ parentElement, data }) {
  const box = parentElement.querySelector(".bn-submit");
  await stylesReady;
  const [words, button] = box.children;
  const student = joined(data.code);
  box.hidden = !student;
  if (box.dataset.link !== data.link) words.textContent = "";
  box.dataset.link = data.link;
  button.textContent = `Submit to class ${data.code}`;
  button.onclick = async () => {
    const still = () => box.isConnected && box.dataset.link === data.link;
    const say = (text) => (words.textContent = still() ? text : words.textContent);
    say("Sending …");
    try {
      const part = await ask(data.code, "parts", { student, link: data.link }, still, () => say("No connection. It is tried again."));
      if (part) say(`${part.name}: the server trains it for the class.`);
    } catch (problem) {
      say(problem.message);
    }
  };
}

function joined(code) {
  try {
    return localStorage.getItem(`bn-lab.class.${code}`);
  } catch {
    return null; // without storage a student is known to the class's page alone
  }
}
