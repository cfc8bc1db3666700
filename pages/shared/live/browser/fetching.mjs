// Fetches a feed's updates, one request at a time: the server answers at once when anything has
// changed there, else after a while, so a new request can follow each answer.
import { base } from "./theme.mjs";

const firstRetry = 1000; // milliseconds; each further one waits twice as long
const lastRetry = 8000;
const settle = 50; // milliseconds between two looks whether the page's script still runs
const silence = "The server does not answer. Trying again …";
const forgotten =
  "The server has restarted, or has let this page go. Starting again with the same settings …";

export class Fetcher {
  // `view` has draw(update), say(sentence), rerun(text), step() and isOnPage().
  constructor(view) {
    Object.assign(this, { view, feed: "", state: "", newest: "", requested: null });
    Object.assign(this, { running: false, timer: 0 });
  }

  // The page was shown anew: perhaps with another feed, or after a command.
  wake({ feed, state }) {
    if (feed !== this.feed) Object.assign(this, { feed, have: 0 });
    Object.assign(this, { state, newest: state, requested: null, failures: 0 });
    return this.run();
  }

  // Fetch until nothing will change by itself; while that is under way, once more.
  async run() {
    this.again = true;
    if (this.running) return;
    this.running = true;
    while (this.again && this.view.isOnPage()) {
      this.again = false;
      const began = performance.now();
      const feed = this.feed;
      const answer = await this.fetch();
      if (feed !== this.feed) {
        this.again = true; // the page was given another feed meanwhile
        continue;
      }
      if (!answer) {
        await this.retry();
        continue;
      }
      this.failures = 0;
      if (answer.charts) {
        await this.view.draw(answer);
        if (feed === this.feed) this.have = answer.number;
      }
      this.rerun(answer.state);
      this.again ||= !answer.rest;
      if (this.again) await sleep(answer.pause - (performance.now() - began));
    }
    this.running = false;
  }

  // Return the server's answer; null if there is none, or if the server knows no such feed.
  async fetch() {
    const url = new URL(`feed/${this.feed}`, base);
    url.searchParams.set("have", this.have);
    const step = this.view.step();
    if (step !== undefined) url.searchParams.set("at", step ?? "now");
    try {
      const response = await fetch(url);
      if (response.ok) return await response.json();
      this.unknown = response.status === 404;
    } catch {
      this.unknown = false; // the connection is down
    }
    return null;
  }

  // Wait before the next request. Where the feed is unknown, the page's script makes another when
  // it runs again; a server that has just restarted may need to be asked more than once.
  async retry() {
    const feed = this.feed;
    this.view.say(this.unknown ? forgotten : silence);
    if (this.unknown) this.view.rerun(`unknown feed, ${this.failures} retries`);
    const wait = Math.min(firstRetry * 2 ** this.failures, lastRetry);
    this.failures += 1;
    const until = performance.now() + wait;
    while (performance.now() < until && feed === this.feed) await sleep(50);
    this.again = true;
  }

  // The run has come to another state than the buttons and the link show. If the page's script is
  // running, after a command or on the way to another page, it is waited for: it may bring them.
  rerun(state) {
    this.newest = state;
    if (this.timer || [this.state, this.requested].includes(state)) return;
    if (scriptRests()) {
      this.requested = state;
      this.view.rerun(state);
      return;
    }
    this.timer = setTimeout(() => {
      this.timer = 0;
      if (this.view.isOnPage()) this.rerun(this.newest);
    }, settle);
  }
}

// What the reader has just pressed may have the script run, though it does not yet.
const answered = 400; // milliseconds
let pressedAt = -Infinity;
for (const kind of ["click", "keydown"]) {
  window.addEventListener(kind, () => (pressedAt = performance.now()), { capture: true, passive: true });
}

function scriptRests() {
  if (performance.now() - pressedAt < answered) return false;
  const app = document.querySelector("[data-testid=stApp]");
  return (app?.dataset.testScriptState ?? "notRunning") === "notRunning";
}

export function sleep(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, Math.max(milliseconds, 0)));
}
