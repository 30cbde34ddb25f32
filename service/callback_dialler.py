"""Calls customers back: an entry waits in the pool with its old place, and is dialled when an agent is reserved.

The customer's phone rings first, by the trunk group that he came by; who answers is led to the agent by the dialplan
(`called-back`). A try that reaches nobody is noted, and the agent is free as if nothing had been. Nothing is dialled
outside the permitted hours, and no number but those of `routing/data/callback.toml`.
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import msgspec

from routing.callback import Callback, State, ended
from routing.callback_desk import CallbackDesk
from routing.callback_live import put, read_all, read_of
from routing.callback_rules import CallbackRules
from routing.hours import Hours
from routing.keys import SEATS
from routing.seats import Seat
from service.acting import Act
from service.callback_places import Places, read_places
from tieline import bus, variables
from tieline.clock import Clock
from tieline.errors import TielineError
from tieline.lease import LeaseLost
from tieline.live import Live
from tieline.model import CallId, CityId, Lane
from tieline.principal import Principal, Role
from tieline.streams import commanding
from tieline.topology import Site, Topology, TrunkGroup
from trunk_config.render import edge_endpoint

EVERY_S: Final = 5.0
AFTER_S: Final = 65.0
"""Not sooner after the entry was made: the matcher remembers for a minute that the call is gone."""
RING_S: Final = 30.0
AGAIN_S: Final = 600.0
"""A try that could not be noted in SQL is not made again before."""
LOOKS_MISSED: Final = 2
"""Who has no place for so many looks has hung up, and we were not told."""
WITHDRAWN: Final = "withdrawn"
TIELINE: Final = Principal(role=Role.ADMIN, city=None, site=None, name="tieline")


@dataclass(slots=True)
class Ringing:
    """A customer who is being rung, or talks.

    Attributes:
        taken: He has answered.
        reached: He talks with an agent.
        missed: Looks at which he had neither a place in the pool nor an offer.
    """

    entry: Callback
    taken: bool = False
    reached: bool = False
    missed: int = 0


class CallbackDialler:
    """Dials for one site.

    Args:
        site: Whose entries.
        topology: Has the ways out.
        live: The site's Redis.
        desk: Notes what came of a try.
        rules: Whom, when.
        hours: A business that is closed is not called back for.
        act: Rings only while we are the one dialler of the site that acts: a customer must not be rung twice.
        clock: Unix seconds.
    """

    def __init__(
        self,
        site: Site,
        topology: Topology,
        live: Live,
        desk: CallbackDesk,
        rules: CallbackRules,
        hours: Hours,
        act: Act,
        clock: Clock,
    ) -> None:
        self._site, self._topology, self._live, self._desk = site, topology, live, desk
        self._rules, self._hours, self._act, self._clock = rules, hours, act, clock
        self._entries: Mapping[CallId, Callback] = {}
        self._ringing: dict[CallId, Ringing] = {}
        self._not_before: dict[CallId, float] = {}
        self.counters = {"dialled": 0, "reached": 0, "in_vain": 0, "no_way_out": 0, "not_noted": 0}

    def metrics(self) -> Mapping[str, float]:
        """Give the numbers worth a graph."""
        return {**self.counters, "ringing": len(self._ringing)}

    async def run(self) -> None:
        """Dial until cancelled; Redis or SQL that is away is waited for."""
        position = await self._begin()
        await asyncio.gather(self._look_again_and_again(), self._follow(position))

    async def _begin(self) -> str:
        """Learn whom a dialler before us was ringing; gives the place in the bus that this was true at."""
        while True:
            with suppress(TielineError):
                position = await self._live.last_id()
                await self.take_over()
                return position
            await asyncio.sleep(EVERY_S)

    async def take_over(self) -> None:
        """Go on with the customers who are being rung or talk.

        Raises:
            TielineError: Redis is away.
        """
        self._entries = await self._open_ones()
        for offer in (await read_places(self._live)).offers:
            if entry := self._entries.get(offer.call.call_id):
                self._ringing[entry.call_id] = Ringing(entry, offer.taken)
                if offer.lease_until == 0:
                    await self._reached(entry.call_id)

    async def _open_ones(self) -> Mapping[CallId, Callback]:
        return {entry.call_id: entry for entry in await read_all(self._live) if entry.state is State.OPEN}

    async def _look_again_and_again(self) -> None:
        while True:
            with suppress(TielineError):
                await self.look()
            await asyncio.sleep(EVERY_S)

    async def look(self) -> None:
        """Let entries wait that may be dialled now, and others not.

        Raises:
            TielineError: Redis is away.
        """
        self._entries = await self._open_ones()
        places = await read_places(self._live)
        now = self._clock()
        self._not_before = {call_id: at for call_id, at in self._not_before.items() if at > now}
        for call_id, entry in self._entries.items():
            if call_id in self._ringing:
                continue  # he may wait for another agent by now, on the line
            due = self._is_due(entry, now)
            if due and call_id not in places.taken:
                await self._live.tell(_waiting(entry, now))
            elif not due and call_id in places.waiting:
                await self._withdraw(call_id, entry.city, now)
        for call in places.without_channel:  # an agent reserved for them would wait in vain
            if call.call_id not in self._entries and call.call_id not in self._ringing:
                await self._withdraw(call.call_id, call.need.city, now)
        await self._give_up_missing(places)

    async def _give_up_missing(self, places: Places) -> None:
        for call_id, ringing in list(self._ringing.items()):
            ringing.missed = 0 if call_id in places.taken else ringing.missed + 1
            if ringing.missed >= LOOKS_MISSED:
                await self._over(call_id)

    def _is_due(self, entry: Callback, now: float) -> bool:
        begin = max(entry.made_at + AFTER_S, entry.next_at, self._not_before.get(entry.call_id, 0.0))
        return begin <= now and self._rules.permitted(now) and self._hours.state(entry.business, now).is_open

    async def _withdraw(self, call_id: CallId, city: CityId, now: float) -> None:
        """Take a call out of the pool, or give its agent back."""
        await self._live.tell(bus.CallbackWanted(at=now, call_id=call_id, city=city, why=WITHDRAWN))

    # The bus -------------------------------------------------------------------------------------------------

    async def _follow(self, position: str) -> None:
        async for event in self._live.follow_on(after=position):
            with suppress(TielineError):
                await self.take(event)

    async def take(self, event: bus.Event) -> None:
        """Take one event in.

        Raises:
            TielineError: Redis is away.
        """
        match event:
            case bus.OfferMade(call_id=call_id) if call_id in self._entries and call_id not in self._ringing:
                await self._ring(self._entries[CallId(call_id)], event)
            case bus.OfferTaken(call_id=call_id) if call_id in self._ringing:
                self._ringing[CallId(call_id)].taken = True
            case bus.AgentAnswered(call_id=call_id) if call_id in self._ringing:
                if not self._ringing[CallId(call_id)].reached:  # else he was transferred
                    await self._reached(CallId(call_id))
            case bus.OfferWithdrawn(call_id=call_id) if call_id in self._ringing:
                if not self._ringing[CallId(call_id)].taken:
                    await self._over(CallId(call_id))
            case bus.CallGone(call_id=call_id) if call_id in self._ringing:
                await self._over(CallId(call_id))
            case _:
                pass

    async def _ring(self, entry: Callback, offer: bus.OfferMade) -> None:
        now = self._clock()
        group = self._way_out(entry)
        newest = await read_of(self._live, entry.number)  # he may have been answered since the last look
        in_time = now < offer.lease_until - RING_S  # else nobody would ring him, and it is no try
        is_due = in_time and newest == entry and self._is_due(entry, now)
        if group is None or not self._rules.may_dial(entry.number) or not is_due:
            self.counters["no_way_out"] += group is None
            await self._withdraw(entry.call_id, entry.city, now)
            return
        raw = await self._live.call("HGET", SEATS, offer.agent)
        seat = msgspec.json.decode(raw, type=Seat) if raw else Seat()
        node = seat.node or self._site.nodes[0].id
        self._ringing[entry.call_id] = Ringing(entry)
        try:
            await self._act([commanding(node, self._call(entry, group, offer, now))])
        except LeaseLost:  # another dialler has the customer rung, or nobody has: it is no try
            self._ringing.pop(entry.call_id, None)
            raise
        self.counters["dialled"] += 1

    def _call(self, entry: Callback, group: TrunkGroup, offer: bus.OfferMade, now: float) -> bus.RingCustomer:
        edge = self._topology.edges[0]
        return bus.RingCustomer(
            at=now,
            call_id=entry.call_id,
            edge=edge_endpoint(edge),
            uri=f"{group.id}*{national(entry.number)}@{edge.sip}",
            ring_s=RING_S,
            shown=self._topology.hotline,
            facts=_facts(entry, group, offer),
            expires=offer.lease_until - RING_S,
        )

    def _way_out(self, entry: Callback) -> TrunkGroup | None:
        """Give the trunk group that he came by, else another one of his city that calls can leave by."""
        city = self._topology.cities.get(entry.city) if self._topology.edges else None
        groups = [group for group in city.trunk_groups if group.in_service and group.outbound] if city else []
        return min(groups, key=lambda group: group.id != entry.trunk, default=None)

    async def _reached(self, call_id: CallId) -> None:
        """He talks with an agent. Where SQL cannot be told, Redis is: the keeper brings it to SQL."""
        ringing = self._ringing[call_id]
        ringing.reached = True
        self.counters["reached"] += 1
        try:
            await asyncio.to_thread(self._desk.reached, call_id, TIELINE)
        except TielineError:
            await put(self._live, ended(ringing.entry, State.REACHED, self._clock()))

    async def _over(self, call_id: CallId) -> None:
        """The customer's phone rings no more, or he has hung up."""
        if self._ringing.pop(call_id).reached:
            return
        self.counters["in_vain"] += 1
        self._not_before[call_id] = self._clock() + AGAIN_S
        try:
            await asyncio.to_thread(self._desk.tried, call_id, TIELINE)
        except TielineError:
            self.counters["not_noted"] += 1


def national(number: str) -> str:
    """Give the digits that a trunk group of ours dials for an E.164 number of the country."""
    digits = number.removeprefix("+86")
    return digits if digits.startswith("1") else f"0{digits}"


def _waiting(entry: Callback, now: float) -> bus.CallWaiting:
    return bus.CallWaiting(
        at=now,
        call_id=entry.call_id,
        node="",
        channel="",
        city=entry.city,
        dialect=entry.dialect,
        business=entry.business,
        since=entry.since,
        lane=Lane.CALLBACK,
    )


def _facts(entry: Callback, group: TrunkGroup, offer: bus.OfferMade) -> dict[str, str]:
    return {
        "__TL_CALL": entry.call_id,
        "TL_CITY": entry.city,
        "TL_TRUNK": group.id,
        "TL_NUMSTATE": "shown",
        "TL_NUMBER": entry.number,
        "TL_DIALECT": entry.dialect,
        "TL_BUSINESS": entry.business,
        "TL_SINCE": f"{entry.since:.3f}",
        variables.CALLED_BACK: "1",
        "TL_WORD": f"agent:{offer.agent}:{offer.fence}:{round(offer.lease_until * 1000)}",
    }
