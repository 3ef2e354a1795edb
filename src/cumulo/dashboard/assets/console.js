import RFB from "./novnc/core/rfb.js";

const screen = document.getElementById("screen");
const state = document.getElementById("state");
const scheme = location.protocol === "https:" ? "wss" : "ws";
const rfb = new RFB(screen, `${scheme}://${location.host}${screen.dataset.socket}`, { wsProtocols: ["binary", `token.${screen.dataset.token}`] });
rfb.scaleViewport = true;
rfb.addEventListener("connect", () => { state.textContent = state.dataset.open; rfb.focus(); });
rfb.addEventListener("disconnect", (event) => {
  state.textContent = event.detail.clean ? state.dataset.over : state.dataset.lost;
});
document.getElementById("cad").addEventListener("click", () => rfb.sendCtrlAltDel());
