"""What is going on at a site right now, as a pure reducer: (picture, bus event) → picture.

The picture holds no caller's number, only its last four digits: it goes to screens that many people see.
"""

from collections.abc import Mapping
from typing import Final

import msgspec

from console.lines import LinesView, QuotaView, Refused, refused_counted
from console.situation import Notices, Surges, noticed, surged
from tieline import bus
from tieline.model import AgentState, NumberState, Outcome

TICKETS_KEPT: Final = 50
_SNAPSHOT_SLACK_S: Final = 1.0
"""A call younger than this when a snapshot was taken may not be in it yet."""


class CallState:
    """Where a call is; plain strings, because they go to the page as they are."""

    MENU: Final = "menu"
    WAITING: Final = "waiting"
    RINGING: Final = "ringing"
    TALKING: Final = "talking"
    AFTER: Final = "after"
    """The talk is over, the caller still there: rating."""
    REFUSED: Final = "refused"
    UNKNOWN: Final = "unknown"
    """Seen on the node only: it came before the bus remembers."""


_OUTCOME_OF_STATE: Final[Mapping[str, Outcome]] = {
    CallState.MENU: Outcome.ABANDONED_MENU,
    CallState.WAITING: Outcome.ABANDONED_WAITING,
    CallState.RINGING: Outcome.ABANDONED_WAITING,
    CallState.TALKING: Outcome.ANSWERED,
    CallState.AFTER: Outcome.ANSWERED,
    CallState.REFUSED: Outcome.REFUSED,
}
"""How a call ended, by the last state seen, when nobody has journalled it yet."""


class CallView(msgspec.Struct, frozen=True, kw_only=True):
    """One call in progress. Times are Unix seconds.

    Attributes:
        caller: Last four digits of the number after an ellipsis, or empty.
        since: When the call arrived.
        state_since: When it got into its state; for a waiting call since it first waited, offers between or not.
        waiting_since: When it first waited, 0 before.
    """

    call_id: str
    city: str
    node: str
    state: str
    since: float
    state_since: float
    waiting_since: float = 0.0
    caller: str = ""
    number_state: str = ""
    dialect: str = ""
    business: str = ""
    agent: str = ""


class AgentView(msgspec.Struct, frozen=True, kw_only=True):
    """One agent; `call_id` is the call in hand, or empty."""

    agent: str
    state: str
    since: float
    reason: str = ""
    reachable: bool = True
    call_id: str = ""


class NodeView(msgspec.Struct, frozen=True, kw_only=True):
    """The bridge's link to one node."""

    node: str
    up: bool
    since: float
    reason: str = ""


class TicketView(msgspec.Struct, frozen=True, kw_only=True):
    """A ticket as it was made."""

    ticket: str
    call_id: str
    kind: str
    city: str
    at: float


class Picture(msgspec.Struct, frozen=True, kw_only=True):
    """All of it.

    Attributes:
        at: When the last event happened, Unix seconds.
        tickets: The newest first, `TICKETS_KEPT` at most.
        counts: By city, how many calls arrived, ended how, and tickets; since `counted_from`.
        counted_from: Time of the first event counted, 0 before any.
        notices: By place.
        surges: By city, those that are not calm.
        lines: By city, as Redis has them.
        quota: What is in force, None before it was ever known.
        refused: Refused calls by city and cause, since `counted_from`.
    """

    at: float = 0.0
    calls: Mapping[str, CallView] = msgspec.field(default_factory=dict)
    agents: Mapping[str, AgentView] = msgspec.field(default_factory=dict)
    nodes: Mapping[str, NodeView] = msgspec.field(default_factory=dict)
    tickets: tuple[TicketView, ...] = ()
    counts: Mapping[str, Mapping[str, int]] = msgspec.field(default_factory=dict)
    counted_from: float = 0.0
    notices: Notices = msgspec.field(default_factory=dict)
    surges: Surges = msgspec.field(default_factory=dict)
    lines: Mapping[str, LinesView] = msgspec.field(default_factory=dict)
    quota: QuotaView | None = None
    refused: Refused = msgspec.field(default_factory=dict)


def masked(number: str) -> str:
    """Give the last four digits of a number after an ellipsis; empty when it has fewer than seven."""
    return f"…{number[-4:]}" if len(number) > 6 else ""


def apply(picture: Picture, event: bus.Event) -> Picture:
    """Take in one event; what concerns no known call, agent or node changes nothing but the time."""
    picture = msgspec.structs.replace(
        picture, at=max(picture.at, event.at), counted_from=picture.counted_from or event.at
    )
    match event:
        case bus.CallArrived():
            return _arrived(picture, event)
        case bus.MenuChosen(call_id=call_id, dialect=dialect, business=business):
            known = picture.calls.get(call_id)
            return _call(picture, call_id, dialect=dialect, business=business or (known.business if known else ""))
        case bus.CallWaiting():
            return _waiting(picture, event)
        case bus.OfferMade(call_id=call_id, agent=agent) | bus.AgentRinging(call_id=call_id, agent=agent):
            return _moved(picture, call_id, CallState.RINGING, event.at, agent=agent)
        case bus.OfferFailed(call_id=call_id) | bus.OfferWithdrawn(call_id=call_id):
            return _offer_over(picture, call_id, event.at)
        case bus.AgentAnswered(call_id=call_id, agent=agent):
            talking = _moved(picture, call_id, CallState.TALKING, event.at, agent=agent)
            return _agent(talking, agent, event.at, call_id=call_id)
        case bus.AgentLegGone(call_id=call_id, agent=agent):
            return _agent_leg_gone(picture, call_id, agent, event.at)
        case bus.CallGone(call_id=call_id):
            return _ended(picture, call_id, "")
        case bus.CallJournalled(call_id=call_id, outcome=outcome):
            return _ended(picture, call_id, outcome)
        case bus.AgentChanged(agent=agent, state=state, reason=reason):
            return _agent(picture, agent, event.at, state=state, reason=reason)
        case bus.PhoneSeen(agent=agent, reachable=reachable):
            return _agent(picture, agent, event.at, reachable=reachable)
        case bus.NodeSeen(node=node, up=up, reason=reason):
            return _node(picture, node, event.at, up=up, reason=reason)
        case bus.NodeSnapshot():
            return _compared(picture, event)
        case bus.TicketMade():
            return _ticket(picture, event)
        case bus.NoticeChanged():
            return msgspec.structs.replace(picture, notices=noticed(picture.notices, event))
        case bus.SurgeChanged():
            return msgspec.structs.replace(picture, surges=surged(picture.surges, event))
        case _:
            return picture


def with_tickets(picture: Picture, tickets: tuple[TicketView, ...]) -> Picture:
    """Add tickets known from elsewhere (SQL, at the start); none twice, the newest first. They are not counted."""
    every = {ticket.ticket: ticket for ticket in (*tickets, *picture.tickets)}
    newest = sorted(every.values(), key=lambda ticket: (-ticket.at, ticket.ticket))
    return msgspec.structs.replace(picture, tickets=tuple(newest[:TICKETS_KEPT]))


def of_city(picture: Picture, city: str) -> Picture:
    """Give the part of the picture that belongs to one city; agents and nodes belong to none."""
    return msgspec.structs.replace(
        picture,
        calls={call_id: call for call_id, call in picture.calls.items() if call.city == city},
        agents={},
        nodes={},
        tickets=tuple(ticket for ticket in picture.tickets if ticket.city == city),
        counts={name: counts for name, counts in picture.counts.items() if name == city},
        notices={place: notice for place, notice in picture.notices.items() if notice.city == city},
        surges={name: surge for name, surge in picture.surges.items() if name == city},
        lines={name: lines for name, lines in picture.lines.items() if name == city},
        refused={name: causes for name, causes in picture.refused.items() if name == city},
    )


# --- calls ---------------------------------------------------------------------------------------------------


def _arrived(picture: Picture, event: bus.CallArrived) -> Picture:
    call = CallView(
        call_id=event.call_id,
        city=event.city,
        node=event.node,
        state=CallState.REFUSED if event.refused_cause else CallState.MENU,
        since=event.at,
        state_since=event.at,
        caller=masked(event.number) if event.number_state == NumberState.SHOWN else "",
        number_state=event.number_state,
    )
    picture = msgspec.structs.replace(picture, refused=refused_counted(picture.refused, event))
    return _put_call(_counted(picture, event.city, "arrived"), call)


def _waiting(picture: Picture, event: bus.CallWaiting) -> Picture:
    if event.call_id not in picture.calls:
        call = CallView(
            call_id=event.call_id,
            city=event.city,
            node=event.node,
            state=CallState.WAITING,
            since=event.since,
            state_since=event.since,
        )
        picture = _put_call(picture, call)
    return _call(
        picture,
        event.call_id,
        state=CallState.WAITING,
        state_since=event.since,
        waiting_since=event.since,
        dialect=event.dialect,
        business=event.business,
        agent="",
    )


def _moved(picture: Picture, call_id: str, state: str, at: float, *, agent: str) -> Picture:
    call = picture.calls.get(call_id)
    since = call.state_since if call and call.state == state else at
    return _call(picture, call_id, state=state, state_since=since, agent=agent)


def _offer_over(picture: Picture, call_id: str, at: float) -> Picture:
    call = picture.calls.get(call_id)
    if call is None or call.state != CallState.RINGING:
        return picture
    return _call(picture, call_id, state=CallState.WAITING, state_since=call.waiting_since or at, agent="")


def _agent_leg_gone(picture: Picture, call_id: str, agent: str, at: float) -> Picture:
    call = picture.calls.get(call_id)
    if call is not None and call.state == CallState.TALKING and call.agent == agent:
        picture = _call(picture, call_id, state=CallState.AFTER, state_since=at)
    known = picture.agents.get(agent)
    return _agent(picture, agent, at, call_id="") if known and known.call_id == call_id else picture


def _ended(picture: Picture, call_id: str, outcome: str) -> Picture:
    call = picture.calls.get(call_id)
    if call is None:
        return picture
    calls = {other: view for other, view in picture.calls.items() if other != call_id}
    ended = outcome or str(_OUTCOME_OF_STATE.get(call.state, "ended"))
    return _counted(msgspec.structs.replace(picture, calls=calls), call.city, ended)


def _call(picture: Picture, call_id: str, **facts: str | float) -> Picture:
    call = picture.calls.get(call_id)
    return picture if call is None else _put_call(picture, msgspec.structs.replace(call, **facts))


def _put_call(picture: Picture, call: CallView) -> Picture:
    return msgspec.structs.replace(picture, calls={**picture.calls, call.call_id: call})


def _compared(picture: Picture, snapshot: bus.NodeSnapshot) -> Picture:
    """Heal: a call that its node no longer has is over, one that nobody told of is there."""
    present = {channel.call_id: channel for channel in snapshot.channels if channel.caller_leg and channel.call_id}
    for call_id, call in picture.calls.items():
        if call.node == snapshot.node and call_id not in present and call.since < snapshot.at - _SNAPSHOT_SLACK_S:
            picture = _ended(picture, call_id, "")
    for call_id in present.keys() - picture.calls.keys():
        call = CallView(
            call_id=call_id,
            city="",
            node=snapshot.node,
            state=CallState.UNKNOWN,
            since=snapshot.at,
            state_since=snapshot.at,
        )
        picture = _put_call(picture, call)
    return _node(picture, snapshot.node, snapshot.at, up=True, reason="")


# --- the others ----------------------------------------------------------------------------------------------


def _agent(picture: Picture, agent: str, at: float, **facts: str | bool) -> Picture:
    old = picture.agents.get(agent) or AgentView(agent=agent, state=AgentState.OFFLINE, since=at)
    new = msgspec.structs.replace(old, **facts)
    if new.state != old.state:
        new = msgspec.structs.replace(new, since=at)
    return msgspec.structs.replace(picture, agents={**picture.agents, agent: new})


def _node(picture: Picture, node: str, at: float, *, up: bool, reason: str) -> Picture:
    old = picture.nodes.get(node)
    since = old.since if old is not None and old.up == up else at
    view = NodeView(node=node, up=up, since=since, reason=reason)
    return picture if view == old else msgspec.structs.replace(picture, nodes={**picture.nodes, node: view})


def _ticket(picture: Picture, event: bus.TicketMade) -> Picture:
    if any(known.ticket == event.ticket for known in picture.tickets):
        return picture
    ticket = TicketView(ticket=event.ticket, call_id=event.call_id, kind=event.kind, city=event.city, at=event.at)
    picture = msgspec.structs.replace(picture, tickets=(ticket, *picture.tickets)[:TICKETS_KEPT])
    return _counted(picture, event.city, "tickets")


def _counted(picture: Picture, city: str, what: str) -> Picture:
    counts = {**picture.counts.get(city, {})}
    counts[what] = counts.get(what, 0) + 1
    return msgspec.structs.replace(picture, counts={**picture.counts, city: counts})
