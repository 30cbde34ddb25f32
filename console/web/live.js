"use strict";
// The connection: token once per tab, first message of the socket, never in an address.

const REFUSED = 4401, FULL = 4429, LONGEST_WAIT_MS = 10000, READY_EVERY_MS = 5000;
let socket = null, waitMs = 500, dirty = false;

function ask(reason) {
  element("board").hidden = true;
  element("enter").hidden = false;
  element("leave").hidden = true;
  element("fault").textContent = reason ? word(reason) : "";
  drawLink("none");
  element("token").focus();
}

function connect() {
  const token = kept.get("token");
  if (!token) return ask("");
  const mine = socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws`);
  mine.onopen = () => mine.send(JSON.stringify({ token }));
  mine.onmessage = (event) => { if (mine === socket) take(JSON.parse(event.data)); };
  mine.onclose = (event) => { if (mine === socket) closed(event.code); };
}

function take(message) {
  if (message.type === "snapshot") {
    waitMs = 500;
    takeSnapshot(message);
    element("enter").hidden = true;
    element("board").hidden = false;
    element("leave").hidden = false;
    drawWords();
    drawLink("live");
  } else if (message.type === "delta") {
    takeDelta(message);
  } else if (message.error === "unauthorized" || message.error === "forbidden") {
    kept.set("token", null);
    socket = null;
    return ask("wrongToken");
  } else {
    element("fault").textContent = word("unavailable");
  }
  if (!dirty) { dirty = true; requestAnimationFrame(() => { dirty = false; draw(); }); }
}

function closed(code) {
  drawLink("lost");
  if (code === FULL) element("fault").textContent = word("full");
  setTimeout(connect, waitMs * (0.75 + Math.random() / 2));
  waitMs = Math.min(LONGEST_WAIT_MS, waitMs * 2);
}

async function readiness() {
  try {
    const answer = await fetch("/readyz", { cache: "no-store" });
    drawParts((await answer.json()).parts);
  } catch {
    drawParts({});
  }
}

element("enter").addEventListener("submit", (event) => {
  event.preventDefault();
  kept.set("token", element("token").value.trim());
  element("token").value = "";
  connect();
});
element("leave").addEventListener("click", () => {
  kept.set("token", null);
  const old = socket;
  socket = null;
  old?.close();
  ask("");
});
element("language").addEventListener("click", () => {
  language = language === "zh" ? "en" : "zh";
  kept.set("language", language);
  drawWords();
  drawLink(socket?.readyState === WebSocket.OPEN ? "live" : "none");
  draw();
});
element("tabs").addEventListener("click", (event) => {
  const tab = event.target.closest("button");
  if (tab) { filter = tab.dataset.filter; draw(); }
});
setInterval(tick, 1000);
setInterval(readiness, READY_EVERY_MS);
drawWords();
drawLink("none");
readiness();
connect();
