"""What the bus tells of agents, as the matcher's methods want it: wishes, phones, what a node shows. Pure."""

from collections.abc import Iterator
from typing import Final

from routing.matcher import Matcher
from routing.offers import Effect
from routing.seats import Seat
from routing.wishes import Asked, Wish
from tieline import bus
from tieline.errors import RemoteProtocolError
from tieline.model import AgentId, AgentState, CallId, NodeId

_PHONE: Final = "PJSIP/a"


def wish_of(event: bus.AgentAsked) -> Asked:
    """Read a wish.

    Raises:
        RemoteProtocolError: It is none that we know.
    """
    try:
        return Asked(event.at, Wish(event.wish), event.session, event.reason, event.until)
    except ValueError as error:
        raise RemoteProtocolError(f"AgentAsked: {error}") from error


def agent_of(channel: bus.ChannelSeen) -> AgentId | None:
    """Give the agent whose phone a channel is, by its name; None for a caller's channel."""
    if channel.caller_leg or not channel.channel.startswith(_PHONE):
        return None
    return AgentId(channel.channel.removeprefix("PJSIP/").rsplit("-", 1)[0])


def seats_shown(matcher: Matcher, snapshot: bus.NodeSnapshot, now: float) -> Iterator[Effect]:
    """Make the seats agree with what a node shows of phones, talks and calls of the agents' own."""
    node = NodeId(snapshot.node)
    calls = _calls_of_agents(snapshot)
    reached = {AgentId(name) for name in snapshot.reachable_agents}
    known = {agent for agent, seat in matcher.seats.items() if node in seat.phones}
    for agent in sorted(known | reached | calls.keys()):
        if agent in known | reached:
            yield from matcher.phone_seen(agent, reachable=agent in reached, now=now, node=node, at=snapshot.at)
        seat = matcher.seats.get(agent)
        if seat is None:
            continue
        if agent not in calls:
            if _is_here(matcher, seat, node):
                yield from matcher.phone_idle(agent, now, snapshot.at)
        elif not any(calls[agent]):
            yield from matcher.own_call(agent, busy=True, now=now, at=snapshot.at)


def talks_shown(matcher: Matcher, snapshot: bus.NodeSnapshot) -> Iterator[tuple[AgentId, CallId]]:
    """Yield the talks of a node that are news, because the event of their beginning was lost."""
    for channel in snapshot.channels:
        agent, call_id = agent_of(channel), CallId(channel.call_id)
        if agent is None or not channel.answered or not call_id or call_id in matcher.gone:
            continue
        seat = matcher.seats.get(agent)
        if agent in matcher.agents and (seat is None or seat.state is not AgentState.TALKING):
            yield agent, call_id


def _calls_of_agents(snapshot: bus.NodeSnapshot) -> dict[AgentId, set[str]]:
    """Give the call ids of each agent's channels; an empty one is of a call that he dialled himself."""
    calls: dict[AgentId, set[str]] = {}
    for channel in snapshot.channels:
        agent = agent_of(channel)
        if agent is not None:
            calls.setdefault(agent, set()).add(channel.call_id)
    return calls


def _is_here(matcher: Matcher, seat: Seat, node: NodeId) -> bool:
    """Tell whether a node can know that an agent is in no call: his call is there, or no other holds his phone."""
    offer = matcher.offers.get(CallId(seat.reason))
    return seat.phones.keys() <= {node} if offer is None else offer.call.node == node
