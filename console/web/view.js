"use strict";
// Drawing. Text goes in as text, never as markup.

const CALLS_SHOWN = 200;
let filter = "all";

function element(id) { return document.getElementById(id); }

function make(tag, className, ...children) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  for (const child of children) made.append(child);
  return made;
}

function draw() {
  if (!model.about) return;
  drawNotices();
  const outsideAlone = model.about.outside_alone;  // an agent: his own calls are on his desk
  element("tiles").hidden = element("columns").hidden = outsideAlone;
  element("no-notices").hidden = !outsideAlone || element("notices").childElementCount > 0;
  if (!outsideAlone) { drawTiles(); drawTabs(); drawCalls(); drawWaiting(); drawLines(); drawAgents(); drawTickets(); }
  tick();
}

function drawWords() {
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  for (const node of document.querySelectorAll("[data-word]")) node.textContent = word(node.dataset.word);
  element("language").textContent = word("language");
  if (model.about) {
    element("hotline").textContent = model.about.hotline;
    const scope = model.about.scope ? " · " + nameOf(find("cities", model.about.scope)) : "";
    element("site").textContent = nameOf(model.about.site) + scope;
    document.title = `${model.about.hotline} ${nameOf(model.about.site)} · ${word("title")}`;
  }
}

// "profile typhoon" or "divert xiamen": told, never done by itself.
function proposalText(proposal) {
  const [what, name] = proposal.split(" ");
  return what ? `${word(what === "divert" ? "proposeDivert" : "proposeProfile")} ${name}` : "";
}

function surgeLine(surge) {
  return make("li", surge.state, make("b", "", nameOf(find("cities", surge.city)) || surge.city),
    make("span", "", word("surge_" + surge.state)),
    make("span", "mono", `${surge.calls} ${word("callsWindow")} · ${word("usually")} ${surge.usual}`),
    make("span", "", proposalText(surge.proposal)), make("small", "", `${word("since")} ${timeText(surge.since, false)}`));
}

function drawNotices() {
  const surges = [...model.surges.values()].sort((a, b) => a.since - b.since).map(surgeLine);
  element("notices").replaceChildren(...surges, ...noticesInOrder().map((notice) => {
    const city = nameOf(find("cities", notice.city)) || notice.city;
    const county = notice.county ? ` · ${model.about.counties[notice.county] || notice.county}` : "";
    const until = `${dayText(notice.until)} ${timeText(notice.until, false)}`;
    return make("li", "", make("b", "", city + county), make("span", "", nameOf(find("causes", notice.cause)) || notice.cause),
      make("span", "mono", `${word("until")} ${until}`), make("small", "", `${word("since")} ${timeText(notice.since, false)}`));
  }));
}

function drawTiles() {
  const waiting = callsIn("waiting", "ringing");
  const oldest = Math.min(...waiting.map(waitsSince));
  const agents = [...model.agents.values()];
  const used = [...model.calls.values()].filter((call) => call.state !== "refused").length;
  const from = model.countedFrom ? `${word("since")} ${timeText(model.countedFrom, false)}` : "";
  const tiles = [
    ["tileActive", used, model.about.scope ? "" : `${word("of")} ${model.about.site.lines}`, ""],
    ["tileWaiting", waiting.length, "", waiting.length ? "amber" : ""],
    ["tileLongest", null, "", waiting.length ? "amber" : "", waiting.length ? oldest : 0],
    ["tileTalking", callsIn("talking").length, "", "blue"],
    ...(model.about.scope ? [] : [["tileReady", agents.filter((agent) => agent.state === "ready").length, `${word("of")} ${agents.filter((agent) => agent.state !== "offline").length}`, "green"]]),
    ["tileAnswered", total("answered"), from, ""],
    ["tileRefused", total("refused"), from, total("refused") ? "red" : ""],
    ["tileTickets", total("tickets"), from, ""],
  ];
  element("tiles").replaceChildren(...tiles.map(([name, value, note, colour, since]) => {
    const number = make("b", colour, value === null ? "–" : String(value));
    if (since) number.dataset.since = since;
    return make("div", "tile", make("span", "", word(name)), number, make("small", "", note));
  }));
}

function drawTabs() {
  const tabs = ["all", "waiting", "ringing", "talking", "menu"].map((name) => {
    const count = name === "all" ? model.calls.size : callsIn(name).length;
    const tab = make("button", "", word(name), make("i", "", String(count)));
    tab.type = "button";
    tab.dataset.filter = name;
    tab.setAttribute("aria-pressed", String(name === filter));
    return tab;
  });
  element("tabs").replaceChildren(...tabs);
}

function cell(className, text, since) {
  const made = make("td", className, text);
  if (since) made.dataset.since = since;
  return made;
}

function callRow(call) {
  const row = make("tr", "s-" + call.state);
  const caller = call.caller || (call.number_state && call.number_state !== "shown" ? word(call.number_state) : "");
  row.append(
    make("td", "c-state", make("span", "badge", word(call.state))),
    cell("num c-clock", "", call.state_since),
    cell("c-city", nameOf(find("cities", call.city)) || call.city || "—"),
    cell("c-dialect", nameOf(find("dialects", call.dialect)) || call.dialect),
    cell("c-business", call.business && word(call.business)),
    cell("c-agent mono", call.agent),
    cell("c-caller mono", caller),
    cell("num c-total", "", call.since),
  );
  row.title = call.call_id;
  return row;
}

function drawCalls() {
  const ordered = callsInOrder(filter);
  const rows = ordered.slice(0, CALLS_SHOWN).map(callRow);
  if (ordered.length > CALLS_SHOWN) {
    const more = cell("more", word("callsMore").replace("{n}", ordered.length - CALLS_SHOWN));
    more.colSpan = 8;
    rows.push(make("tr", "", more));
  }
  element("calls").replaceChildren(...rows);
  element("no-calls").hidden = ordered.length > 0;
}

function bar(name, share, value, colour, since) {
  const fill = make("i", colour);
  fill.style.setProperty("width", `${Math.min(100, Math.round(share * 100))}%`);
  const clock = make("em", "");
  if (since) clock.dataset.since = since;
  return make("li", value ? "" : "quiet", make("span", "name", name), clock, make("span", "value", String(value)), make("div", "track", fill));
}

function drawWaiting() {
  const waiting = callsIn("waiting", "ringing");
  const ids = [...new Set([...model.about.dialects.map((dialect) => dialect.id), ...waiting.map((call) => call.dialect)])];
  const groups = ids.map((id) => ({ id, calls: waiting.filter((call) => call.dialect === id) }));
  const most = Math.max(5, ...groups.map((group) => group.calls.length));
  element("waiting").replaceChildren(...groups.map(({ id, calls }) => {
    const oldest = calls.length ? Math.min(...calls.map(waitsSince)) : 0;
    return bar(nameOf(find("dialects", id)) || id || word("others"), calls.length / most, calls.length, "amber", oldest);
  }));
}

function drawLines() {
  const cities = model.about.cities.filter((city) => city.home || model.lines.get(city.id)?.in_use);
  element("lines").replaceChildren(...cities.map((city) => {
    const now = model.lines.get(city.id) || { in_use: 0, reserve: 0, cap: 0, refused: 0 };
    const share = now.cap ? now.in_use / now.cap : 0;
    const name = make("span", "", nameOf(city), ...(city.home ? [] : [make("sup", "", word("backup"))]));
    if (now.refused) name.append(make("sup", "red", `${word("refused")} ${now.refused}`));
    const row = bar(name, share, `${now.in_use} / ${now.cap}`, share >= 1 ? "red" : now.in_use > now.reserve ? "amber" : "blue");
    row.title = `${word("reserve")} ${now.reserve}`;
    row.className = now.in_use ? "" : "quiet";
    return row;
  }));
  const quota = model.quota;
  const sum = quota && !model.about.scope ? ` · ${quota.in_use} / ${quota.lines}` : "";
  element("lines-sum").textContent = quota ? quota.profile + sum : "";
}

function drawAgents() {
  const agents = [...model.agents.values()].sort((a, b) => AGENT_STATES.indexOf(a.state) - AGENT_STATES.indexOf(b.state) || (a.agent < b.agent ? -1 : 1));
  const present = agents.filter((agent) => agent.state !== "offline");
  const label = { ready: "agent_ready", talking: "agent_talking" };
  const groups = AGENT_STATES.map((state) => [state, agents.filter((agent) => agent.state === state).length]).filter(([, count]) => count);
  element("agents-stack").replaceChildren(...groups.map(([state, count]) => {
    const part = make("i", "a-" + state);
    part.style.setProperty("flex-grow", String(count));
    return part;
  }));
  element("agents-legend").replaceChildren(...groups.map(([state, count]) => make("span", "a-" + state, make("i", ""), `${word(label[state] || state)} `, make("b", "", String(count)))));
  element("agents").replaceChildren(...present.map((agent) => {
    const chip = make("span", "chip a-" + agent.state + (agent.reachable ? "" : " away"), agent.agent);
    chip.title = `${word(label[agent.state] || agent.state)} ${agent.reason} ${clockText(now() - agent.since)}`;
    return chip;
  }));
  element("agents-sum").textContent = String(present.length);
  element("agents-panel").hidden = Boolean(model.about.scope);
}

function drawTickets() {
  element("tickets").replaceChildren(...model.tickets.map((ticket) => {
    const row = make("li", model.fresh.has(ticket.ticket) ? "k-" + ticket.kind + " fresh" : "k-" + ticket.kind,
      make("time", "mono", timeText(ticket.at)),
      make("b", "", nameOf(find("kinds", ticket.kind)) || ticket.kind),
      make("span", "", nameOf(find("cities", ticket.city)) || ticket.city),
      make("code", "", ticket.ticket));
    row.title = ticket.call_id;
    return row;
  }));
  model.fresh.clear();
  element("no-tickets").hidden = model.tickets.length > 0;
  element("tickets-sum").textContent = model.tickets.length ? String(total("tickets") || "") : "";
}

// Once a second only the clocks move.
function tick() {
  const at = now();
  for (const node of document.querySelectorAll("[data-since]")) node.textContent = clockText(at - Number(node.dataset.since));
  element("clock").textContent = timeText(at);
}

function drawLink(state) {
  const link = element("link");
  link.className = "pill " + state;
  link.textContent = word({ live: "linkLive", lost: "linkLost", none: "linkNone" }[state]);
}

function drawParts(parts) {
  element("parts").replaceChildren(...Object.entries(parts).map(([name, part]) => {
    const dot = make("span", part.ready ? "part" : "part bad", name);
    dot.title = `${word(part.ready ? "ready" : "notReady")} ${word("since")} ${part.since} ${part.reason}`;
    return dot;
  }));
}
