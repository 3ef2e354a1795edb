// Keeps what is marked with data-live as it is: one stream of events, a part of the page asked anew
// when something of its kind has changed. Without JavaScript the pages work, and stand still.
const parts = [...document.querySelectorAll("[data-live]")];
const waiting = new Map();

async function refresh(part) {
  const answer = await fetch(part.dataset.part, { credentials: "same-origin", redirect: "manual" });
  if (answer.type === "opaqueredirect") { location.reload(); return; }
  if (answer.status === 404) { location.href = location.pathname.split("/").slice(0, -1).join("/"); return; }
  if (answer.ok) {
    const text = await answer.text();
    if (part.dataset.last !== text) { part.innerHTML = text; part.dataset.last = text; }
  }
}

function soon(part) {
  if (waiting.has(part)) return;
  waiting.set(part, setTimeout(() => { waiting.delete(part); refresh(part).catch(() => {}); }, 120));
}

let stream = null;
function listen() {
  if (stream || !parts.length) return;
  stream = new EventSource("/dashboard/events");
  stream.onmessage = (message) => {
    const event = JSON.parse(message.data);
    for (const part of parts) {
      const mine = part.dataset.live === event.resource_type;
      if (mine && (!part.dataset.id || part.dataset.id === event.resource_id)) soon(part);
    }
  };
  stream.onopen = () => parts.forEach(soon);
}
function pause() { if (stream) { stream.close(); stream = null; } }
document.addEventListener("visibilitychange", () => (document.hidden ? pause() : listen()));
if (!document.hidden) listen();

for (const place of document.querySelectorAll("[data-load]")) {
  const load = () => fetch(place.dataset.load, { credentials: "same-origin" })
    .then((answer) => (answer.ok ? answer.text() : ""))
    .then((text) => { if (text) place.innerHTML = text; })
    .catch(() => {});
  load();
  if (place.dataset.load.endsWith("/log")) setInterval(() => { if (!document.hidden) load(); }, 3000);
}
