"""The matcher's live shell: follows the site's bus, keeps its state in Redis, offers calls through the bridges.

State and position in the bus are written together, so a matcher that starts again goes on after the last event it
handled; with an empty Redis it starts from the nodes' snapshots. Waiting callers need no rescue: while no
heartbeat comes the hold loop hands them to the safety net.
"""

import asyncio
from collections.abc import Awaitable, Iterable, Mapping
from contextlib import suppress
from enum import StrEnum
from typing import Any, Final, TypeVar

import msgspec

from routing.agents import Agent
from routing.ladders import LadderSet
from routing.matcher import Matcher, Rules
from routing.offers import Effect, MakeOffer, Offer, Seat, SeatChanged, Waiting, WithdrawOffer
from tieline import bus
from tieline.clock import Clock
from tieline.errors import RemoteProtocolError, TielineError
from tieline.live import EVENTS, Live
from tieline.model import (
    AgentId,
    AgentState,
    Business,
    CallId,
    CityId,
    CountyId,
    DialectId,
    Lane,
    Need,
    NodeId,
    SiteId,
)

_Word = TypeVar("_Word", bound=StrEnum)

HEARTBEAT_KEY: Final = "tl:hb:matcher"
HEARTBEAT_S: Final = 1.0
EVERY_S: Final = 0.05
"""Looks at most this often: the hold loop itself looks every 200 ms, and events come in bunches."""
POOL: Final = "tl:pool"
OFFERS: Final = "tl:offers"
SEATS: Final = "tl:agents"
STATE: Final = "tl:matcher"
_FENCES_A_TERM: Final = 10_000_000
"""Each start of a matcher takes a new term, so its fences are above all earlier ones."""


class MatcherShell:
    """Runs one `Matcher` on a site's bus.

    Args:
        site: Whose calls and agents.
        live: The site's Redis.
        agents: The site's agents.
        ladders: What the choice goes by.
        rules: Times.
        clock: Unix seconds.
    """

    def __init__(
        self,
        site: SiteId,
        live: Live,
        agents: Mapping[AgentId, Agent],
        ladders: LadderSet,
        rules: Rules,
        clock: Clock,
    ) -> None:
        self._site = site
        self._live = live
        self._clock = clock
        self._agents = agents
        self._ladders = ladders
        self._rules = rules
        self._matcher = self._new_matcher(term=0)
        self._position = "0-0"
        self._reached: dict[AgentId, set[NodeId]] = {}
        self._dirty: dict[str, set[str]] = {POOL: set(), OFFERS: set(), SEATS: set()}
        self.counters: dict[str, int] = {"offers": 0, "withdrawn": 0, "restarts": 0, "skipped": 0}

    async def run(self) -> None:
        """Match until cancelled; when Redis goes away, wait for it and load the state again."""
        while True:
            with suppress(TielineError):
                await self._load()
                beat = asyncio.create_task(self._beat())
                try:
                    await self._follow()
                finally:
                    beat.cancel()
                    with suppress(asyncio.CancelledError, TielineError):
                        await beat
            self.counters["restarts"] += 1
            await asyncio.sleep(0.5)

    def metrics(self) -> Mapping[str, float]:
        """Give the numbers worth a graph."""
        return {
            **self.counters,
            "waiting": len(self._matcher.waiting),
            "offered": len(self._matcher.offers),
            **{
                f"agents_{state}": sum(seat.state is state for seat in self._matcher.seats.values())
                for state in AgentState
            },
        }

    # Loading and saving --------------------------------------------------------------------------------------

    async def _load(self) -> None:
        term = int(await self._live.call("HINCRBY", STATE, "term", 1))
        position = await self._live.call("HGET", STATE, "position")
        waiting = [msgspec.json.decode(raw, type=Waiting) for raw in await self._live.call("HVALS", POOL)]
        offers = [msgspec.json.decode(raw, type=Offer) for raw in await self._live.call("HVALS", OFFERS)]
        rows = await self._live.call("HGETALL", SEATS)
        seats = {
            AgentId(agent.decode()): msgspec.json.decode(raw, type=Seat)
            for agent, raw in zip(rows[::2], rows[1::2], strict=True)
        }
        self._matcher = self._new_matcher(term)
        self._matcher.restore(waiting, seats, offers)
        self._position = position.decode() if position else "0-0"

    def _new_matcher(self, term: int) -> Matcher:
        own = frozenset((self._site,))
        return Matcher(self._agents, self._rules, self._ladders, own, next_fence=term * _FENCES_A_TERM + 1)

    def _saving(self) -> list[Awaitable[object]]:
        commands: list[tuple[str | bytes, ...]] = []
        tables: tuple[tuple[str, Mapping[Any, object]], ...] = (
            (POOL, self._matcher.waiting),
            (OFFERS, self._matcher.offers),
            (SEATS, self._matcher.seats),
        )
        for table, present in tables:
            for key in self._dirty[table]:
                if key in present:
                    commands.append(("HSET", table, key, msgspec.json.encode(present[key])))
                else:
                    commands.append(("HDEL", table, key))
            self._dirty[table] = set()
        commands.append(("HSET", STATE, "position", self._position))
        return [self._live.call(*command) for command in commands]

    async def _beat(self) -> None:
        while True:
            await self._live.call("SET", HEARTBEAT_KEY, f"{self._clock():.3f}", "EX", 60)
            await asyncio.sleep(HEARTBEAT_S)

    # Events and effects --------------------------------------------------------------------------------------

    async def _follow(self) -> None:
        while True:
            now = self._clock()
            due = self._matcher.next_deadline(now)
            wait_s = 1.0 if due is None else min(1.0, max(0.01, due - now))
            entries = await self._live.read(EVENTS, self._position, block_ms=int(wait_s * 1000))
            effects: list[Effect] = []
            now = self._clock()
            for entry, raw in entries:
                self._position = entry
                try:
                    effects += self._apply(bus.decode_event(raw), now)
                except RemoteProtocolError:
                    self.counters["skipped"] += 1
            effects += self._matcher.tick(now)
            if entries or effects:
                self._mark(effects)
                # In one exchange, the state before what it leads to.
                await asyncio.gather(*self._saving(), *self._carrying_out(effects, now))
                await asyncio.sleep(EVERY_S)

    def _apply(self, event: bus.Event, now: float) -> list[Effect]:
        matcher = self._matcher
        match event:
            case bus.CallWaiting():
                self._touch(event.call_id)
                return matcher.call_waiting(_waiting(event, self._site), now)
            case bus.CallGone() | bus.CallJournalled():
                self._touch(event.call_id)
                return matcher.call_gone(CallId(event.call_id), now)
            case bus.OfferTaken():
                self._touch(event.call_id)
                return matcher.taken(CallId(event.call_id), AgentId(event.agent), event.fence, now)
            case bus.OfferFailed():
                self._touch(event.call_id)
                return matcher.failed(CallId(event.call_id), AgentId(event.agent), event.fence, now)
            case bus.AgentAnswered():
                self._touch(event.call_id)
                return matcher.answered(CallId(event.call_id), AgentId(event.agent), now)
            case bus.AgentLegGone():
                self._touch(event.call_id)
                return matcher.agent_free(AgentId(event.agent), now)
            case bus.PhoneSeen():
                return self._phone_seen(AgentId(event.agent), NodeId(event.node), reachable=event.reachable, now=now)
            case bus.NodeSnapshot():
                return self._reconcile(event, now)
            case _:
                return []

    def _phone_seen(self, agent: AgentId, node: NodeId, *, reachable: bool, now: float) -> list[Effect]:
        """A phone registers at every node of its site: it is gone when none of them reaches it."""
        nodes = self._reached.setdefault(agent, set())
        (nodes.add if reachable else nodes.discard)(node)
        return self._matcher.phone_seen(agent, reachable=bool(nodes), now=now)

    def _is_elsewhere(self, call_id: str, node: str) -> bool:
        """Tell whether a call is known to be on another node than this one."""
        offer = self._matcher.offers.get(CallId(call_id))
        return offer is not None and offer.call.node != node

    def _reconcile(self, snapshot: bus.NodeSnapshot, now: float) -> list[Effect]:
        """Make the seats agree with what a node really has: phones registered, calls that are gone."""
        effects: list[Effect] = []
        present = {channel.call_id for channel in snapshot.channels if channel.caller_leg}
        ours = [(call.call_id, call) for call in self._matcher.waiting.values()]
        ours += [(call_id, offer.call) for call_id, offer in self._matcher.offers.items()]
        for call_id, call in ours:
            if call.node == snapshot.node and call_id not in present and call.since < snapshot.at - 1:
                self._touch(call_id)
                effects += self._matcher.call_gone(call_id, now)
        busy = {channel.channel.removeprefix("PJSIP/").rsplit("-", 1)[0] for channel in snapshot.channels}
        for name in snapshot.reachable_agents:
            effects += self._phone_seen(AgentId(name), NodeId(snapshot.node), reachable=True, now=now)
            seat = self._matcher.seats.get(AgentId(name))
            if seat is None or seat.state is not AgentState.TALKING or name in busy:
                continue
            if not self._is_elsewhere(seat.reason, snapshot.node):
                effects += self._matcher.agent_free(AgentId(name), now)
        return effects

    def _mark(self, effects: Iterable[Effect]) -> None:
        """Note what the effects changed, so that `_saving` writes it."""
        for effect in effects:
            match effect:
                case MakeOffer(offer, _) | WithdrawOffer(offer, _):
                    self._touch(offer.call.call_id)
                case SeatChanged(agent, _):
                    self._dirty[SEATS].add(agent)

    def _touch(self, call_id: str) -> None:
        self._dirty[POOL].add(call_id)
        self._dirty[OFFERS].add(call_id)

    def _carrying_out(self, effects: Iterable[Effect], now: float) -> list[Awaitable[object]]:
        asked: list[Awaitable[object]] = []
        told: list[bus.Event] = []
        for effect in effects:
            match effect:
                case MakeOffer(offer, _):
                    self.counters["offers"] += 1
                    told.append(
                        bus.OfferMade(
                            at=now,
                            call_id=offer.call.call_id,
                            agent=offer.agent,
                            fence=offer.fence,
                            lease_until=offer.lease_until,
                        )
                    )
                    asked.append(self._live.command(offer.call.node, _word(offer, now)))
                case WithdrawOffer(offer, why):
                    self.counters["withdrawn"] += 1
                    told.append(
                        bus.OfferWithdrawn(
                            at=now, call_id=offer.call.call_id, agent=offer.agent, fence=offer.fence, why=why
                        )
                    )
                case SeatChanged(agent, seat):
                    told.append(bus.AgentChanged(at=now, agent=agent, state=seat.state, reason=seat.reason))
        return [*asked, self._live.tell(*told)] if told else asked


def _word(offer: Offer, now: float) -> bus.PutInMailbox:
    return bus.PutInMailbox(
        at=now,
        call_id=offer.call.call_id,
        channel=offer.call.channel,
        word=f"agent:{offer.agent}:{offer.fence}",
        expires=offer.lease_until,
    )


def _waiting(event: bus.CallWaiting, site: SiteId) -> Waiting:
    need = Need(
        dialect=DialectId(event.dialect),
        business=_known(Business, event.business, Business.OTHER),
        city=CityId(event.city),
        lane=_known(Lane, event.lane, Lane.NORMAL),
        county=CountyId(event.county),
        only_dialect=event.only_dialect,
    )
    return Waiting(CallId(event.call_id), NodeId(event.node), event.channel, need, event.since, site)


def _known(words: type[_Word], text: str, otherwise: _Word) -> _Word:
    """Read a word of a closed set; a newer site may tell one that is not known here."""
    try:
        return words(text)
    except ValueError:
        return otherwise
