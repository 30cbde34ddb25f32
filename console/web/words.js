"use strict";
// Every word of the page in both languages. Names of cities, dialects and ticket kinds come from the server.

const WORDS = {
  zh: {
    calls: "进行中的通话", state: "状态", clock: "本状态", city: "地市", dialect: "方言", business: "业务", agent: "座席",
    caller: "主叫", total: "总时长", waitingBy: "各方言等待", lines: "各地市线路占用", agents: "座席状态", tickets: "工单动态",
    noCalls: "当前没有通话", noTickets: "还没有工单", noNotices: "目前没有停电公告", leave: "退出", language: "EN", enterTitle: "95598 实时看板",
    enterText: "请输入访问令牌。令牌只保存在本标签页，关闭即失效。", token: "访问令牌", enter: "进入",
    linkLive: "实时", linkLost: "重新连接中", linkNone: "未连接", wrongToken: "令牌无效，或无权查看本中心。",
    unavailable: "服务暂时不可用，正在重试。", full: "打开的页面太多，请稍后再试。", all: "全部",
    tileActive: "占用线路", tileWaiting: "等待", tileLongest: "最长等待", tileTalking: "通话", tileReady: "空闲座席",
    tileRefused: "拒绝", tileAnswered: "已接听", tileTickets: "工单", since: "自", callsMore: "另有 {n} 通未显示",
    nobody: "无", withheld: "隐藏号码", unusable: "号码异常", others: "其他", ready: "就绪", notReady: "未就绪", of: "共",
    menu: "语音菜单", waiting: "等待中", ringing: "振铃中", talking: "通话中", after: "评价中", refused: "已拒绝", unknown: "未知",
    repair: "故障报修", billing: "电费查询", outage: "停电信息", expansion: "业务办理", complaint: "投诉举报", other: "其他",
    offline: "离线", agent_ready: "空闲", offered: "振铃", agent_talking: "通话", wrap_up: "整理", not_ready: "示忙",
    backup: "备", title: "实时看板", until: "预计恢复", surge_rising: "来电上升", surge_surge: "来电激增",
    callsWindow: "通 / 5 分钟", usually: "平时", proposeProfile: "建议启用方案", proposeDivert: "建议分流至", reserve: "保留",
  },
  en: {
    calls: "Calls in progress", state: "State", clock: "In state", city: "City", dialect: "Dialect", business: "Business", agent: "Agent",
    caller: "Caller", total: "Total", waitingBy: "Waiting by dialect", lines: "Lines by city", agents: "Agents", tickets: "Tickets",
    noCalls: "No calls right now", noTickets: "No tickets yet", noNotices: "No notices of outages", leave: "Sign out", language: "中文", enterTitle: "95598 live board",
    enterText: "Enter your access token. It is kept in this tab only and forgotten when the tab closes.", token: "Access token", enter: "Open",
    linkLive: "Live", linkLost: "Reconnecting", linkNone: "Not connected", wrongToken: "This token is not valid, or may not see this centre.",
    unavailable: "The service is not available for the moment; trying again.", full: "Too many pages are open; try again later.", all: "All",
    tileActive: "Lines in use", tileWaiting: "Waiting", tileLongest: "Longest", tileTalking: "Talking", tileReady: "Ready",
    tileRefused: "Refused", tileAnswered: "Answered", tileTickets: "Tickets", since: "since", callsMore: "{n} more not shown",
    nobody: "none", withheld: "withheld", unusable: "unusable", others: "Other", ready: "ready", notReady: "not ready", of: "of",
    menu: "Menu", waiting: "Waiting", ringing: "Ringing", talking: "Talking", after: "Rating", refused: "Refused", unknown: "Unknown",
    repair: "Fault report", billing: "Billing", outage: "Outage info", expansion: "New service", complaint: "Complaint", other: "Other",
    offline: "Offline", agent_ready: "Ready", offered: "Ringing", agent_talking: "Talking", wrap_up: "Wrap-up", not_ready: "Not ready",
    backup: "backup", title: "live board", until: "back by", surge_rising: "calls rising", surge_surge: "surge",
    callsWindow: "calls in 5 min", usually: "usually", proposeProfile: "proposed: profile", proposeDivert: "proposed: divert to", reserve: "reserved",
  },
};

const kept = {
  get(name) { try { return sessionStorage.getItem(name); } catch { return null; } },
  set(name, value) { try { value === null ? sessionStorage.removeItem(name) : sessionStorage.setItem(name, value); } catch { /* private mode */ } },
};

let language = kept.get("language") || (navigator.language.startsWith("zh") || !navigator.language ? "zh" : "en");

function word(name) { return WORDS[language][name] ?? name; }

function nameOf(thing) { return thing ? (language === "zh" ? thing.name : thing.english) : ""; }
