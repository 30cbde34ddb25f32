"""What is going on at a site right now, as a pure reducer: (picture, bus event) → picture.

The picture holds no caller's number, only its last four digits: it goes to screens that many people see.
"""

from collections.abc import Mapping
from typing import Final

import msgspec

from console.lines import refused_counted
from console.situation import noticed, surged
from console.views import TICKETS_KEPT, AgentView, CallState, CallView, NodeView, Picture, TicketView, masked
from tieline import bus
from tieline.model import AgentState, NumberState, Outcome

_SNAPSHOT_SLACK_S: Final = 1.0
"""A call younger than this when a snapshot was taken may not be in it yet."""
_OUTCOME_OF_STATE: Final[Mapping[str, Outcome]] = {
    CallState.MENU: Outcome.ABANDONED_MENU,
    CallState.WAITING: Outcome.ABANDONED_WAITING,
    CallState.RINGING: Outcome.ABANDONED_WAITING,
    CallState.TALKING: Outcome.ANSWERED,
    CallState.AFTER: Outcome.ANSWERED,
    CallState.REFUSED: Outcome.REFUSED,
}
"""How a call ended, by the last state seen, when nobody has journalled it yet."""


def apply(picture: Picture, event: bus.Event) -> Picture:
    """Take in one event; what concerns no known call, agent or node changes nothing but the time."""
    picture = msgspec.structs.replace(
        picture, at=max(picture.at, event.at), counted_from=picture.counted_from or event.at
    )
    match event:
        case bus.CallArrived():
            return _arrived(picture, event)
        case bus.CallRefused(city=city, cause=cause):
            return _refused(picture, city, cause)
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
        case _:
            return _beside_calls(picture, event)


def _beside_calls(picture: Picture, event: bus.Event) -> Picture:
    """Take in what is told of agents, phones, nodes, tickets, notices and surges."""
    match event:
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
    if event.refused_cause:
        picture = _refused(picture, event.city, event.refused_cause)
    return _put_call(_counted(picture, event.city, "arrived"), call)


def _refused(picture: Picture, city: str, cause: int) -> Picture:
    return msgspec.structs.replace(picture, refused=refused_counted(picture.refused, city, cause))


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
