// Keeps what is marked with data-live as it is: a part of the page is asked anew when something of its
// kind has changed. And the palette, advice while one types, uploads with progress, dates in the
// reader's own zone. Without JavaScript the pages work, and stand still.
const here = document.body;
const mount = here.dataset.mount;
const waiting = new Map();
let over = false;

function ended() {
  // Once, however many requests are refused.
  if (over) return;
  over = true;
  const box = document.createElement("dialog");
  box.id = "ended";
  box.setAttribute("aria-label", here.dataset.ended);
  const text = document.createElement("p");
  text.textContent = here.dataset.ended;
  const again = document.createElement("a");
  again.className = "button";
  again.href = `${mount}/auth/login/?next=${encodeURIComponent(location.pathname + location.search)}`;
  again.textContent = here.dataset.again;
  box.append(text, again);
  here.append(box);
  box.showModal();
  pause();
}

async function text(url, more) {
  if (over) return null;
  const answer = await fetch(url, { credentials: "same-origin", redirect: "manual", ...more });
  if (answer.type === "opaqueredirect" || answer.status === 401) { ended(); return null; }
  return answer;
}

function dates(root) {
  for (const each of root.querySelectorAll("time[datetime]")) {
    if (each.dataset.done) continue;
    const written = each.getAttribute("datetime");
    const at = new Date(/[zZ]|[+-]\d\d:?\d\d$/.test(written) ? written : `${written}Z`);
    if (Number.isNaN(at.getTime())) continue;
    each.dataset.done = "yes";
    each.title = `${written} UTC`;
    each.textContent = at.toLocaleString(document.documentElement.lang, { dateStyle: "medium", timeStyle: "medium" });
  }
}

function put(part, html) {
  if (part.dataset.last === html) return;
  const ticked = new Set([...part.querySelectorAll("input[name=id]:checked")].map((each) => each.value));
  const focus = part.contains(document.activeElement) ? document.activeElement : null;
  const key = focus && (focus.getAttribute("href") || focus.value);
  const open = [...part.querySelectorAll("details")].map((each) => each.open);
  const moved = [...part.querySelectorAll(".scroll")].map((each) => [each.scrollLeft, each.scrollTop]);
  part.innerHTML = html;
  part.dataset.last = html;
  for (const each of part.querySelectorAll("input[name=id]")) each.checked = ticked.has(each.value);
  part.querySelectorAll("details").forEach((each, place) => { each.open = Boolean(open[place]); });
  part.querySelectorAll(".scroll").forEach((each, place) => { [each.scrollLeft, each.scrollTop] = moved[place] || [0, 0]; });
  if (key) for (const each of part.querySelectorAll("a,input,button")) {
    if ((each.getAttribute("href") || each.value) === key) { each.focus(); break; }
  }
  dates(part);
}

// One question about a thing at a time: what changes while it is on its way is asked for after it. (If
// the last question alone counted, a list would stand still while much happens.)
const asking = new Set();
function later(key, pause, ask) {
  if (waiting.has(key)) return;
  waiting.set(key, setTimeout(() => {
    waiting.delete(key);
    if (asking.has(key)) { later(key, pause, ask); return; }
    asking.add(key);
    ask().catch(() => {}).finally(() => asking.delete(key));
  }, pause));
}
const patience = () => ({ signal: AbortSignal.timeout(60000) });

// How often each part was asked for as a whole: a row from before the last time is old.
const turns = new Map();
async function refresh(part) {
  turns.set(part, (turns.get(part) || 0) + 1);
  const answer = await text(part.dataset.part, patience());
  if (!answer) return;
  if (answer.status === 404 && part.dataset.id) { location.href = location.pathname.split("/").slice(0, -1).join("/"); return; }
  if (answer.ok) put(part, await answer.text());
}
function soon(part) { later(part, part.dataset.live === "*" ? 1000 : 120, () => refresh(part)); }

// One row that is there already is asked for alone.
async function row(part, place, id) {
  const before = turns.get(part);
  const answer = await text(`${part.dataset.row}&id=${encodeURIComponent(id)}`, patience());
  if (!answer) return;
  if (answer.status === 404) { soon(part); return; }
  if (!answer.ok || !place.isConnected) return;
  const made = document.createElement("tbody");
  made.innerHTML = await answer.text();
  const fresh = made.querySelector("tr");
  if (turns.get(part) !== before) return;
  const box = place.querySelector("input[type=checkbox]");
  const after = fresh.querySelector("input[type=checkbox]");
  if (box && after) after.checked = box.checked;
  if (place.contains(document.activeElement)) { soon(part); return; }
  dates(fresh);
  place.replaceWith(fresh);
  delete part.dataset.last;
}
function rowSoon(part, id) {
  later(`${part.dataset.row} ${id}`, 120, async () => {
    if (waiting.has(part)) return;  // the whole is asked for then
    if (asking.has(part)) { rowSoon(part, id); return; }
    const place = part.querySelector(`tr[data-row="${CSS.escape(id)}"]`);
    if (place) await row(part, place, id);
  });
}

const parts = () => [...document.querySelectorAll("[data-live]")];
function changed(event) {
  for (const part of parts()) {
    const known = part.dataset.row && part.dataset.live.split(" ")[0] === event.resource_type
      && !/\.(create|delete|remove)/.test(event.type)
      && part.querySelector(`tr[data-row="${CSS.escape(event.resource_id)}"]`);
    if (known) { rowSoon(part, event.resource_id); continue; }
    const [own, ...others] = part.dataset.live.split(" ");
    if (own === "*" || others.includes(event.resource_type)
      || (own === event.resource_type && (!part.dataset.id || part.dataset.id === event.resource_id))) soon(part);
  }
}
function heard(message) {
  if (message.event) changed(message.event);
  if (message.open) { still(""); parts().forEach(soon); }
  if (message.lost) still(here.dataset.still);
  if (message.closed) parts().slice(0, 1).forEach(soon);
}

// Said where it can be seen: what does not move may only look as if all were well.
function still(words) {
  const place = document.getElementById("still");
  if (place.textContent !== words) place.textContent = words;
}

let port = null;
let stream = null;
function listen() {
  if (over || !parts().length) return;
  if (window.SharedWorker) {
    if (!port) {
      port = new SharedWorker(`${mount}/assets/stream.js`).port;
      port.onmessage = (message) => heard(message.data);
    }
    port.postMessage({ seen: true, project: here.dataset.project });
  } else if (!stream) {
    stream = new EventSource(`${mount}/events`);
    stream.onmessage = (message) => heard({ event: JSON.parse(message.data) });
    stream.onopen = () => heard({ open: true });
    stream.onerror = () => {
      heard({ lost: true });
      if (!stream || stream.readyState !== EventSource.CLOSED) return;
      stream = null;
      heard({ closed: true });
      setTimeout(() => { if (!document.hidden) listen(); }, 10000);
    };
  }
}
function pause() {
  if (port) port.postMessage({ seen: false });
  if (stream) { stream.close(); stream = null; }
}
document.addEventListener("visibilitychange", () => (document.hidden ? pause() : listen()));
window.addEventListener("pagehide", () => { if (port) port.postMessage("gone"); });
window.addEventListener("pageshow", (event) => { if (event.persisted) listen(); });
if (!document.hidden) listen();
dates(document);

for (const place of document.querySelectorAll("[data-load]")) {
  const load = () => text(place.dataset.load).then(async (answer) => {
    if (!answer || !answer.ok) return;
    const end = place.scrollTop + place.clientHeight >= place.scrollHeight - 8;
    put(place, await answer.text());
    if (end && "follows" in place.dataset) place.scrollTop = place.scrollHeight;
  }).catch(() => {});
  load();
  if ("follows" in place.dataset) setInterval(() => { if (!document.hidden && !over) load(); }, 3000);
}

// --- the menu of a small screen is closed at first
const all = document.querySelector(".nav-all");
if (all && window.matchMedia("(max-width: 48rem)").matches) all.open = false;
document.addEventListener("click", (event) => {
  for (const each of document.querySelectorAll(".drop[open]")) if (!each.contains(event.target)) each.open = false;
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const each of document.querySelectorAll(".drop[open]")) { each.open = false; each.querySelector("summary").focus(); }
});

// --- what is sent is sent once, also by two clicks
document.addEventListener("submit", (event) => {
  if (event.defaultPrevented || event.target.method !== "post") return;
  const buttons = [...event.target.querySelectorAll("button")].filter((each) => !each.disabled);
  const set = (value) => { for (const each of buttons) each.disabled = value; };
  // After the form is read: the button that was pressed is a part of it.
  setTimeout(() => set(true));
  setTimeout(() => set(false), 5000);
});

// --- all rows of a list at once
document.addEventListener("change", (event) => {
  if (!event.target.matches("[data-all]")) return;
  for (const each of event.target.closest("table").querySelectorAll("tbody input[name=id]")) each.checked = event.target.checked;
});

// --- the palette
const palette = document.getElementById("palette");
const asked = document.getElementById("palette-q");
const found = document.getElementById("palette-found");
let last = 0;
async function find() {
  const mine = ++last;
  const answer = await text(`${mount}/search?part=1&q=${encodeURIComponent(asked.value)}`);
  if (answer && answer.ok && mine === last) found.innerHTML = await answer.text();
}
function open() { if (!palette.open) { palette.showModal(); asked.value = ""; asked.focus(); find().catch(() => {}); } }
document.getElementById("finder").addEventListener("click", (event) => { event.preventDefault(); open(); });
document.addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") { event.preventDefault(); open(); }
});
let typing = 0;
asked.addEventListener("input", () => { clearTimeout(typing); typing = setTimeout(() => find().catch(() => {}), 150); });
palette.addEventListener("keydown", (event) => {
  const links = [...found.querySelectorAll("a")];
  const at = links.indexOf(document.activeElement);
  if (event.key === "ArrowDown" && links.length) { event.preventDefault(); links[Math.min(at + 1, links.length - 1)].focus(); }
  if (event.key === "ArrowUp" && links.length) { event.preventDefault(); (at > 0 ? links[at - 1] : asked).focus(); }
  if (event.key === "Enter" && document.activeElement === asked && links.length) { event.preventDefault(); links[0].click(); }
});

// --- advice while one types
for (const form of document.querySelectorAll("form[data-check]")) {
  let timer = 0;
  let turn = 0;
  const look = async () => {
    const mine = ++turn;
    const body = new URLSearchParams([...new FormData(form)].filter(([, value]) => typeof value === "string"));
    const answer = await text(form.dataset.check, { method: "POST", body });
    if (answer && answer.ok && mine === turn) document.getElementById("advice").innerHTML = await answer.text();
  };
  form.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(() => look().catch(() => {}), 250); });
}

// --- uploads with progress: the same form, sent by a request that says how far it is
for (const form of document.querySelectorAll("form[data-upload]")) {
  form.addEventListener("submit", (event) => {
    const chosen = form.querySelector("input[type=file]");
    if (!chosen || !chosen.files.length) return;
    event.preventDefault();
    const shown = form.querySelector(".progress");
    const bar = shown.querySelector("progress");
    const said = shown.querySelector("span");
    shown.hidden = false;
    form.querySelector("button").disabled = true;
    const request = new XMLHttpRequest();
    request.open("POST", form.action);
    request.upload.onprogress = (now) => {
      const share = now.total ? Math.floor((100 * now.loaded) / now.total) : 0;
      bar.value = share;
      said.textContent = `${form.dataset.upload}: ${share} %`;
    };
    request.onload = () => {
      if (request.responseURL && request.status < 400) { location.href = request.responseURL; return; }
      const page = new DOMParser().parseFromString(request.responseText, "text/html");
      const why = page.querySelector("[role=alert]");
      fail(why ? why.textContent : `${request.status}`);
    };
    request.onerror = () => fail("×");
    const fail = (why) => {
      shown.hidden = true;
      form.querySelector("button").disabled = false;
      let box = form.querySelector("[role=alert]");
      if (!box) { box = document.createElement("p"); box.className = "problem"; box.setAttribute("role", "alert"); form.prepend(box); }
      box.textContent = why;
    };
    request.send(new FormData(form));
  });
}

// --- what is shown once: copied, or saved
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-copy],[data-save]");
  if (!button) return;
  const value = document.getElementById(button.dataset.copy || button.dataset.save).value;
  if (button.dataset.copy) { navigator.clipboard.writeText(value).catch(() => {}); return; }
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([value]));
  link.download = button.dataset.name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
});

// --- drawings: a thing's lines and actions beside the picture
document.addEventListener("click", async (event) => {
  const node = event.target.closest("[data-side]");
  const side = document.getElementById("map-side");
  if (!node || !side || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  const answer = await text(node.dataset.side);
  if (answer && answer.ok) {
    side.hidden = false;
    delete side.dataset.last;
    put(side, await answer.text());
    const link = document.createElement("p");
    const whole = document.createElement("a");
    whole.href = node.getAttribute("href");
    whole.textContent = node.getAttribute("aria-label");
    link.append(whole);
    side.append(link);
    side.scrollIntoView({ block: "nearest" });
  }
});
