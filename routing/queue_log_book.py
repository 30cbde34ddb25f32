"""Which lines of queue_log follow from what the matcher hears and decides: each once. Pure but for the loading.

The stays of calls are kept in Redis with the matcher's state, so a matcher that takes over goes on in the middle of
a talk. Calls that only the safety net has served are app_queue's own to write.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Final

import msgspec

from routing import queue_log
from routing.agents import Agent
from routing.intake import Rescue
from routing.keys import STAYS
from routing.matcher import Matcher
from routing.offers import Effect, NextLeg, SeatChanged, WithdrawOffer
from routing.queue_log import Stay
from tieline import bus
from tieline.lease import Command
from tieline.live import Live
from tieline.model import AgentId, CallId, NodeId
from tieline.rows import readable
from tieline.streams import commanding

CALLER_LEFT_WITHIN_S: Final = 3.0
"""A caller who hangs up ends the agent's leg first, then, once the hang-up script has synced its record, his own:
within this time it was he. The question that a caller hears when the agent hung up lasts longer."""


LATE_S: Final = 8.0
"""A call that we hear of so late is with the safety net: the dialplan waits no longer for our heartbeat."""


class QueueLogBook:
    """The calls of a site in the pool and in talks.

    Args:
        nodes: Of the site; each has a queue_log of its own.
        agents: Of all sites.
        stays: As the matcher before us left them.
    """

    def __init__(self, nodes: Sequence[NodeId], agents: Mapping[AgentId, Agent], stays: Mapping[str, Stay]) -> None:
        self._nodes = nodes
        self._agents = agents
        self._stays = dict(stays)
        self._ended = {call_id for call_id, stay in stays.items() if stay.ended_at}
        self._dirty: set[str] = set()
        self._lines: list[tuple[str, bus.QueueLine]] = []

    # Events --------------------------------------------------------------------------------------------------

    def take(self, event: bus.Event, matcher: Matcher, now: float) -> None:
        """Hear an event, before the matcher takes it in."""
        if isinstance(event, bus.CallWaiting):
            if event.channel and now - event.at < LATE_S:  # who is to be called back is on no node yet
                self._enter(event, matcher)
            return
        stay = self._stays.get(getattr(event, "call_id", ""))
        if stay is None:
            return
        match event:
            case bus.AgentRinging(call_id=call_id, agent=agent, at=at) if not stay.answered_at:
                self._put(call_id, msgspec.structs.replace(stay, agent=agent, rung_at=at))
            case bus.AgentAnswered(call_id=call_id, agent=agent, at=at, uniqueid=uniqueid) if not stay.answered_at:
                offer = matcher.offers.get(CallId(call_id))
                if offer is not None and offer.agent == agent:
                    stay = msgspec.structs.replace(stay, agent=agent, answered_at=at)
                    self._put(call_id, stay)
                    self._write(stay.node, queue_log.connected(stay, uniqueid))
                else:
                    self._to_net(call_id, stay, at)
            case bus.AgentLegGone(call_id=call_id, agent=agent, at=at) if stay.answered_at and agent == stay.agent:
                self._end(call_id, stay, at)
            case bus.CallInNet(call_id=call_id, at=at) if not stay.answered_at:
                self._to_net(call_id, stay, at)
            case bus.CallGone(call_id=call_id, at=at) | bus.CallJournalled(call_id=call_id, at=at):
                self._gone(call_id, stay, at)

    def _enter(self, event: bus.CallWaiting, matcher: Matcher) -> None:
        call_id = event.call_id
        queue = queue_log.queue_of(event.business, event.dialect)
        before = self._stays.get(call_id)
        if before is not None and before.answered_at and event.moved_at > before.answered_at:
            self._write(before.node, queue_log.sent_on(before, event.wanted or queue, event.moved_at))
            self._forget(call_id)
        if call_id in self._stays or CallId(call_id) in matcher.gone:
            return
        stay = Stay(
            node=event.node,
            queue=queue,
            uniqueid=event.uniqueid or call_id,
            since=event.moved_at or event.since,
            position=1 + sum(1 for _ in self._waiting(queue)),
        )
        self._put(call_id, stay)
        self._write(stay.node, queue_log.entered(stay, event.number))

    def _end(self, call_id: str, stay: Stay, at: float) -> None:
        if not stay.ended_at:
            self._put(call_id, msgspec.structs.replace(stay, ended_at=at))
            self._ended.add(call_id)

    def _to_net(self, call_id: str, stay: Stay, at: float) -> None:
        self._write(stay.node, queue_log.taken_by_net(stay, self._position(stay), at))
        self._forget(call_id)

    def _gone(self, call_id: str, stay: Stay, at: float) -> None:
        if stay.answered_at:
            self._end(call_id, stay, at)
            self._write_end(call_id, by_caller=at - self._stays[call_id].ended_at < CALLER_LEFT_WITHIN_S)
            return
        self._write(stay.node, queue_log.abandoned(stay, self._position(stay), at))
        self._forget(call_id)

    def _write_end(self, call_id: str, *, by_caller: bool) -> None:
        stay = self._stays[call_id]
        self._write(stay.node, queue_log.completed(stay, by_caller=by_caller))
        self._forget(call_id)

    # Effects and time ----------------------------------------------------------------------------------------

    def commands(self, effects: Iterable[Effect | Rescue], _matcher: Matcher, now: float) -> Sequence[Command]:
        """Give what is to be written: lines by the nodes' bridges, stays into Redis."""
        for effect in effects:
            match effect:
                case WithdrawOffer(offer, "failed"):
                    self._missed(offer.call.call_id, offer.agent, now)
                case NextLeg(call, _, at) if stay := self._stays.get(call.call_id):
                    self._write(stay.node, queue_log.handed_over(stay, at))
                    self._forget(call.call_id)
                case SeatChanged(agent, seat, before):
                    node = seat.node or before.node or self._nodes[0]
                    self._lines += [(node, one) for one in queue_log.member_lines(self._agents[agent], before, seat)]
        for call_id in sorted(self._ended):
            if now - self._stays[call_id].ended_at >= CALLER_LEFT_WITHIN_S:
                self._write_end(call_id, by_caller=False)
        return [*self._saving(), *self._telling(now)]

    def _missed(self, call_id: CallId, agent: AgentId, now: float) -> None:
        stay = self._stays.get(call_id)
        if stay is not None and not stay.answered_at:
            self._write(stay.node, queue_log.not_answered(stay, agent, now))
            self._put(call_id, msgspec.structs.replace(stay, agent="", rung_at=0.0))

    # Small parts ---------------------------------------------------------------------------------------------

    def _waiting(self, queue: str) -> Iterator[Stay]:
        return (stay for stay in self._stays.values() if stay.queue == queue and not stay.answered_at)

    def _position(self, stay: Stay) -> int:
        return 1 + sum(other.since < stay.since for other in self._waiting(stay.queue))

    def _put(self, call_id: str, stay: Stay) -> None:
        self._stays[call_id] = stay
        self._dirty.add(call_id)

    def _forget(self, call_id: str) -> None:
        del self._stays[call_id]
        self._ended.discard(call_id)
        self._dirty.add(call_id)

    def _write(self, node: str, line: bus.QueueLine) -> None:
        self._lines.append((node, line))

    def _saving(self) -> Iterator[Command]:
        for call_id in sorted(self._dirty):
            stay = self._stays.get(call_id)
            yield ("HDEL", STAYS, call_id) if stay is None else ("HSET", STAYS, call_id, msgspec.json.encode(stay))
        self._dirty.clear()

    def _telling(self, now: float) -> Iterator[Command]:
        """Yield one command a node and run of lines, so that their order stays."""
        lines, self._lines = self._lines, []
        for node, run in groupby(lines, key=lambda line: line[0]):
            yield commanding(node, bus.WriteQueueLog(at=now, lines=tuple(line for _, line in run)))


async def load_stays(live: Live) -> Mapping[str, Stay]:
    """Load what the matcher before us kept.

    Raises:
        TielineError: Redis is away.
    """
    return readable(await live.call("HGETALL", STAYS), Stay)
