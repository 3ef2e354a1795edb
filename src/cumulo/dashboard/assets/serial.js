// A serial line in a page: what comes is shown as text (colours and the like are left out, the most
// usual movements of the cursor are followed), what is typed is sent.
const shown = document.getElementById("terminal");
const state = document.getElementById("state");
const typed = document.getElementById("typed");
const MOST_LINES = 2000;
const scheme = location.protocol === "https:" ? "wss" : "ws";
const socket = new WebSocket(`${scheme}://${location.host}${shown.dataset.socket}`, ["binary", `token.${shown.dataset.token}`]);
socket.binaryType = "arraybuffer";
const decoder = new TextDecoder();
const lines = [""];
let column = 0;
let rest = "";

function put(letter) {
  const line = lines[lines.length - 1];
  lines[lines.length - 1] = line.slice(0, column).padEnd(column) + letter + line.slice(column + 1);
  column += 1;
}
function take(text) {
  rest += text;
  while (rest) {
    const letter = rest[0];
    if (letter === "\x1b") {
      const sequence = /^\x1b(?:\[([0-9;?]*)([A-Za-z])|\][^\x07\x1b]*(?:\x07|\x1b\\)|[()].|[^[\]()])/.exec(rest);
      if (!sequence) { if (rest.length < 64) return; rest = rest.slice(1); continue; }
      rest = rest.slice(sequence[0].length);
      if (sequence[2] === "K") lines[lines.length - 1] = lines[lines.length - 1].slice(0, column);
      if (sequence[2] === "J" && sequence[1] !== "0" && sequence[1] !== "") { lines.splice(0, lines.length, ""); column = 0; }
      if (sequence[2] === "C") column += Math.min(Number(sequence[1]) || 1, 500);
      if (sequence[2] === "D") column = Math.max(0, column - (Number(sequence[1]) || 1));
      continue;
    }
    rest = rest.slice(1);
    if (letter === "\n") { lines.push(""); column = 0; }
    else if (letter === "\r") column = 0;
    else if (letter === "\b") column = Math.max(0, column - 1);
    else if (letter >= " " || letter === "\t") put(letter);
  }
  if (lines.length > MOST_LINES) lines.splice(0, lines.length - MOST_LINES);
}
function draw() {
  const end = shown.scrollTop + shown.clientHeight >= shown.scrollHeight - 24;
  shown.textContent = lines.join("\n");
  if (end) shown.scrollTop = shown.scrollHeight;
}
let waiting = 0;
socket.onopen = () => { state.textContent = state.dataset.open; shown.focus(); };
socket.onclose = (event) => { state.textContent = event.wasClean ? state.dataset.over : state.dataset.lost; };
socket.onmessage = (message) => {
  take(typeof message.data === "string" ? message.data : decoder.decode(message.data, { stream: true }));
  if (!waiting) waiting = requestAnimationFrame(() => { waiting = 0; draw(); });
};
function send(text) { if (socket.readyState === WebSocket.OPEN) socket.send(new TextEncoder().encode(text)); }
const KEYS = { Enter: "\r", Backspace: "\x7f", Escape: "\x1b", ArrowUp: "\x1b[A", ArrowDown: "\x1b[B", ArrowRight: "\x1b[C", ArrowLeft: "\x1b[D", Delete: "\x1b[3~", Home: "\x1b[H", End: "\x1b[F" };
shown.addEventListener("keydown", (event) => {
  // Tab leads on, as everywhere; the field below sends one with Ctrl-I.
  if (event.metaKey || event.altKey) return;
  let text = KEYS[event.key] || (event.key.length === 1 ? event.key : "");
  if (event.ctrlKey) {
    if (!/^[a-z[\]\\]$/i.test(event.key) || event.key.toLowerCase() === "k") return;
    text = String.fromCharCode(event.key.toUpperCase().charCodeAt(0) & 31);
  }
  if (text) { event.preventDefault(); send(text); }
});
shown.addEventListener("paste", (event) => { event.preventDefault(); send(event.clipboardData.getData("text")); });
typed.addEventListener("submit", (event) => {
  event.preventDefault();
  const field = typed.querySelector("input");
  send(`${field.value}\r`);
  field.value = "";
});
