// One stream of events for all tabs of a browser (a SharedWorker), as long as one of them is seen.
const tabs = new Map();
let stream = null;

function tell(message) { for (const port of tabs.keys()) port.postMessage(message); }
function look() {
  const wanted = [...tabs.values()].some(Boolean);
  if (wanted && !stream) {
    stream = new EventSource("/dashboard/events");
    stream.onmessage = (message) => tell({ event: JSON.parse(message.data) });
    stream.onopen = () => tell({ open: true });
    stream.onerror = () => { if (stream && stream.readyState === EventSource.CLOSED) { stream = null; tell({ closed: true }); } };
  } else if (!wanted && stream) { stream.close(); stream = null; }
}
self.onconnect = (connected) => {
  const port = connected.ports[0];
  port.onmessage = (message) => {
    if (message.data === "gone") tabs.delete(port);
    else tabs.set(port, message.data === "seen");
    look();
  };
};
