// A device's connection to its class: requests and streams that fail for want of a network are tried
// again, after pauses that grow; hundreds of devices that lost one network do not return at once.
const root = new URL("lab-files/class/", document.baseURI);
const patience = 3000; // milliseconds without a connection before the page says so
const silence = 25000; // without a sign of the server's, which come every ten seconds
const first = 1000; // between two attempts, and at most:
const most = 15000;
let [lostAt, wait] = [0, first];

function found() {
  [lostAt, wait] = [0, first];
}

export function isLost() {
  return Boolean(lostAt) && performance.now() - lostAt > patience;
}

// Wait before the next attempt; a device that is back in its network tries within a second.
async function pause() {
  lostAt ||= performance.now();
  const milliseconds = wait * (0.5 + Math.random());
  wait = Math.min(wait * 2, most);
  const back = new AbortController();
  const online = new Promise((resolve) => window.addEventListener("online", resolve, { signal: back.signal }));
  await Promise.race([sleep(milliseconds), online.then(() => sleep(1000 * Math.random()))]);
  back.abort();
}

const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

async function post(code, action, body) {
  const url = new URL(`${encodeURIComponent(code)}/${action}`, root);
  const response = await fetch(url, { method: "POST", body: JSON.stringify(body) });
  if (response.status >= 500) throw new Error("no server behind the proxy");
  const answer = await response.json().catch(() => ({ words: "The server does not take this." }));
  found();
  if (!response.ok) throw Object.assign(new Error(answer.words), { status: response.status });
  return answer;
}

// Return the server's answer. A refusal is thrown, its message the server's words; without a
// connection `waiting()` is called and the request repeated while `still()`, else null returned.
export async function ask(code, action, body, still = () => true, waiting = () => {}) {
  while (still()) {
    try {
      return await post(code, action, body);
    } catch (problem) {
      if (problem.status) throw problem;
      waiting();
      await pause();
    }
  }
  return null;
}

// Hear of each state of a class. `refused()` is called when the server opens no stream, after a
// pause: the class may have ended, or know this device no more. Returns what ends it.
export function listen(code, student, state, refused) {
  const url = new URL(`${code}/events`, root);
  url.searchParams.set("student", student);
  let [source, heardAt] = [null, 0];
  const hear = () => (heardAt = performance.now());
  const open = () => {
    source?.close();
    source = new EventSource(url);
    hear();
    source.onopen = () => (hear(), found());
    source.addEventListener("sign", hear);
    source.onmessage = ({ data }) => (hear(), found(), state(JSON.parse(data)));
    source.onerror = () => {
      lostAt ||= performance.now();
      if (source.readyState === EventSource.CLOSED) end(), pause().then(refused);
    };
  };
  // A phone that slept, or changed its network, may hold a stream that nothing comes through.
  const check = () => performance.now() - heardAt > silence && open();
  const timer = setInterval(check, 5000);
  const wake = () => document.hidden || check();
  const back = async () => {
    await sleep(1000 * Math.random());
    if (!ended) open();
  };
  let ended = false;
  document.addEventListener("visibilitychange", wake);
  window.addEventListener("online", back);
  function end() {
    ended = true;
    clearInterval(timer);
    document.removeEventListener("visibilitychange", wake);
    window.removeEventListener("online", back);
    source.close();
  }
  open();
  return end;
}
