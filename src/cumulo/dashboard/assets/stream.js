// One stream of events for all tabs of a browser (a SharedWorker), as long as one of them is seen. Tabs
// that are hidden are told nothing: they look anew when they are seen again.
const SOONEST = 2000;
const LATEST = 60000;
const tabs = new Map();
let stream = null;
let project = "";
let again = 0;
let wait = SOONEST;

function tell(message) { for (const [port, seen] of tabs) if (seen) port.postMessage(message); }
function close() {
  if (stream) stream.close();
  clearTimeout(again);
  stream = null;
  again = 0;
}
function open() {
  stream = new EventSource("/dashboard/events");
  stream.onmessage = (message) => tell({ event: JSON.parse(message.data) });
  stream.onopen = () => { wait = SOONEST; tell({ open: true }); };
  stream.onerror = () => {
    tell({ lost: true });
    // It comes again by itself, unless it was refused: then after a while, ever longer ones.
    if (!stream || stream.readyState !== EventSource.CLOSED) return;
    close();
    tell({ closed: true });
    again = setTimeout(() => { again = 0; look(); }, wait);
    wait = Math.min(wait * 2, LATEST);
  };
}
function look() {
  const wanted = [...tabs.values()].some(Boolean);
  if (!wanted) close();
  else if (!stream && !again) open();
}
self.onconnect = (connected) => {
  const port = connected.ports[0];
  port.onmessage = ({ data }) => {
    if (data === "gone") tabs.delete(port);
    else {
      const before = tabs.get(port);
      tabs.set(port, data.seen);
      // A page of another project, or of somebody else: the stream is of who is signed in now.
      if (data.seen && data.project !== project) { project = data.project; close(); }
      // What came between its being made and now it has not heard.
      else if (data.seen && !before && stream && stream.readyState === EventSource.OPEN) port.postMessage({ open: true });
    }
    look();
  };
};
