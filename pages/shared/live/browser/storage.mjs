// Keeps runs in this browser: each under a key of its own, so that two tabs never overwrite each
// other's. What another tab changes, and what was stored before, is told to the page's script.
import { base } from "./theme.mjs";

const prefix = "bn-lab.run.";
const idPattern = /^[0-9a-f]{16}$/;
const longest = 16000; // characters of one run; a longer text is none
const most = 160; // runs that are read at a time
const settle = 150; // milliseconds in which changes of another tab are told together
const lost = 3000; // after which a message that is not known there is sent again

// One for the whole page: it stays while the component is shown on one page after the other.
const outbox = { token: "", number: 0, performed: 0, runs: {}, problem: "", timer: 0, sentAt: 0 };
let latest; // the component as it was shown last

export default function (component) {
  latest = component;
  const { token, heard, operations, ask } = component.data ?? {};
  if (!token) return;
  if (token !== outbox.token) {
    Object.assign(outbox, { token, number: 0, performed: 0, runs: {}, problem: "" });
    attempt(() => (outbox.runs = storedRuns()));
    perform(operations);
    if (ask || Object.keys(outbox.runs).length || outbox.problem) tell();
    else if (operations.length) confirm();
    return;
  }
  if (heard >= outbox.number) outbox.runs = {};
  const before = outbox.problem;
  perform(operations);
  if ((ask && !outbox.number) || outbox.problem !== before) tell();
  else if (operations.length) confirm();
  else if (heard < outbox.number && performance.now() - outbox.sentAt > lost) send();
}

// Do what has not been done yet.
function perform(operations) {
  const ahead = operations.filter(({ number }) => number > outbox.performed);
  for (const { number, id, text } of ahead) {
    attempt(() => {
      if (text === null) localStorage.removeItem(prefix + id);
      else localStorage.setItem(prefix + id, text);
    });
    delete outbox.runs[id];
    outbox.performed = number;
  }
}

// The page shows nothing of it, so its script need not run again. A confirmation that is lost
// follows when the page is shown the next time.
function confirm() {
  const url = new URL(`kept/${outbox.token}`, base);
  url.searchParams.set("performed", outbox.performed);
  fetch(url).catch(() => {});
}

function storedRuns() {
  const runs = {};
  const keys = Object.keys(localStorage).filter((key) => key.startsWith(prefix));
  for (const key of keys.slice(0, most)) note(runs, key, localStorage.getItem(key));
  return runs;
}

function note(runs, key, text) {
  const id = key.slice(prefix.length);
  if (idPattern.test(id)) runs[id] = text !== null && text.length > longest ? "" : text;
}

// Storage may be switched off, or full.
function attempt(action) {
  try {
    action();
    outbox.problem = "";
  } catch (error) {
    const full = error instanceof DOMException && /quota/i.test(error.name);
    outbox.problem = full ? "full" : "unavailable";
  }
}

function tell() {
  outbox.number += 1;
  send();
}

function send() {
  const { token, number, performed, runs, problem } = outbox;
  outbox.sentAt = performance.now();
  latest.setTriggerValue("heard", { token, number, performed, runs, problem });
}

// Another tab has stored or removed a run. Where the reader clears all of the site's data the key is
// null: what this tab shows then stays until it is closed.
window.addEventListener("storage", ({ key, newValue }) => {
  if (!outbox.token || !key?.startsWith(prefix)) return;
  note(outbox.runs, key, newValue);
  clearTimeout(outbox.timer);
  outbox.timer = setTimeout(tell, settle);
});
