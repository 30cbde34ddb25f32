"use strict";
// The page's copy of the picture: a snapshot, then deltas. No drawing here.

const model = { about: null, calls: new Map(), agents: new Map(), nodes: new Map(), notices: new Map(), surges: new Map(), lines: new Map(), quota: null, tickets: [], counts: {}, countedFrom: 0, skew: 0, fresh: new Set() };

const STATES = ["waiting", "ringing", "talking", "menu", "after", "unknown", "refused"];
const AGENT_STATES = ["ready", "offered", "talking", "wrap_up", "not_ready", "offline"];
const TICKETS_KEPT = 50;

function takeSnapshot(message) {
  const picture = message.picture;
  model.about = message.about;
  model.skew = message.now - Date.now() / 1000;
  model.calls = new Map(Object.entries(picture.calls));
  model.agents = new Map(Object.entries(picture.agents));
  model.nodes = new Map(Object.entries(picture.nodes));
  model.notices = new Map(Object.entries(picture.notices));
  model.surges = new Map(Object.entries(picture.surges));
  model.lines = new Map(Object.entries(picture.lines));
  model.quota = picture.quota;
  model.tickets = picture.tickets;
  model.counts = picture.counts;
  model.countedFrom = picture.counted_from;
  model.fresh.clear();
}

function takeDelta(message) {
  for (const part of ["calls", "agents", "nodes", "notices", "surges", "lines"]) {
    for (const [name, value] of Object.entries(message[part])) {
      if (value === null) model[part].delete(name); else model[part].set(name, value);
    }
  }
  for (const [city, counts] of Object.entries(message.counts)) {
    if (counts === null) delete model.counts[city]; else model.counts[city] = counts;
  }
  if (message.quota) model.quota = message.quota;
  if (!model.countedFrom) model.countedFrom = message.at;
  for (const ticket of message.tickets) model.fresh.add(ticket.ticket);
  model.tickets = [...message.tickets, ...model.tickets].sort((a, b) => b.at - a.at).slice(0, TICKETS_KEPT);
}

function now() { return Date.now() / 1000 + model.skew; }

function total(what) { return Object.values(model.counts).reduce((sum, counts) => sum + (counts[what] || 0), 0); }

function callsIn(...states) { return [...model.calls.values()].filter((call) => states.includes(call.state)); }

function waitsSince(call) { return call.waiting_since || call.state_since; }

// Waiting first, each group with the longest in its state on top.
function callsInOrder(filter) {
  const rank = (call) => STATES.indexOf(call.state);
  return [...model.calls.values()]
    .filter((call) => filter === "all" || call.state === filter)
    .sort((a, b) => rank(a) - rank(b) || a.state_since - b.state_since);
}

function find(list, id) { return (model.about?.[list] || []).find((thing) => thing.id === id); }

// The whole city before its counties, the newest first.
function noticesInOrder() {
  return [...model.notices.values()].sort((a, b) => Boolean(a.county) - Boolean(b.county) || b.since - a.since);
}

function clockText(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const two = (number) => String(number).padStart(2, "0");
  const hours = Math.floor(whole / 3600);
  return (hours ? hours + ":" + two(Math.floor(whole / 60) % 60) : String(Math.floor(whole / 60) % 60)) + ":" + two(whole % 60);
}

function dayText(at) {
  return new Date(at * 1000).toLocaleDateString("zh-CN", { month: "numeric", day: "numeric", timeZone: "Asia/Shanghai" });
}

function timeText(at, seconds = true) {
  return new Date(at * 1000).toLocaleTimeString("zh-CN", { hour12: false, hour: "2-digit", minute: "2-digit", ...(seconds && { second: "2-digit" }), timeZone: "Asia/Shanghai" });
}
