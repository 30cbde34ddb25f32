"""What of a matcher is in Redis: loaded by the one that takes over, written with all that follows from it."""

import asyncio
from collections.abc import Container, Iterable, Mapping
from typing import Any, Final

import msgspec

from routing.consulting import alone
from routing.intake import Rescue
from routing.keys import OFFERS, POOL, SEATS, STATE
from routing.matcher import Matcher
from routing.offers import Effect, Offer, SeatChanged, Waiting
from routing.seats import Seat
from tieline.lease import Command
from tieline.live import Live
from tieline.model import AgentId
from tieline.rows import readable

FENCES_A_TERM: Final = 1_000_000
"""Terms are seconds (`tieline.lease`): the fences of a later one are above all earlier ones."""
FROM_THE_START: Final = "0-0"


class SavedState:
    """A matcher, and which of its state has changed since it was written.

    Attributes:
        matcher: What is saved.
        position: Entry of the bus up to which it has taken events in.
        unreadable: Entries that an older version wrote in another form: left out, the snapshots mend it.
    """

    def __init__(self, matcher: Matcher, position: str, unreadable: int = 0) -> None:
        self.matcher = matcher
        self.position = position
        self.unreadable = unreadable
        self._calls: set[str] = set()
        self._seats: set[str] = set()

    def touch_call(self, call_id: str) -> None:
        """Note that a call's place, in the pool or in an offer, may be another now."""
        self._calls.add(call_id)

    def touch(self, effects: Iterable[Effect | Rescue]) -> None:
        """Note what effects are about."""
        for effect in effects:
            if isinstance(effect, SeatChanged):
                self._seats.add(effect.agent)
            else:
                self._calls.add(effect.call_id)

    def take_changes(self) -> list[Command]:
        """Give the commands that write what has changed, and forget that it has."""
        commands = _writing(POOL, self.matcher.waiting, self._calls)
        commands += _writing(OFFERS, self.matcher.offers, self._calls)
        commands += _writing(SEATS, self.matcher.seats, self._seats)
        self._calls, self._seats = set(), set()
        return [*commands, ("HSET", STATE, "position", self.position)]


async def load(live: Live, matcher: Matcher) -> SavedState:
    """Load what the matcher before us left into a new one; nothing from an empty Redis.

    Offers of agents who are not in the file any more are over: a call of ours whom nobody took up waits again. A talk
    whose second agent is not in it goes on without him.

    Raises:
        TielineError: Redis is away.
    """
    position, pool, offers, seats = await asyncio.gather(
        live.call("HGET", STATE, "position"),
        live.call("HGETALL", POOL),
        live.call("HGETALL", OFFERS),
        live.call("HGETALL", SEATS),
    )
    waiting, offered, seated = readable(pool, Waiting), readable(offers, Offer), readable(seats, Seat)
    kept = [_without_unknown(offer, matcher.agents) for offer in offered.values() if offer.agent in matcher.agents]
    over = [offer for offer in offered.values() if offer.agent not in matcher.agents]
    own = [offer.call for offer in over if not offer.taken and offer.call.site in matcher.own]
    known = {AgentId(agent): seat for agent, seat in seated.items()}
    matcher.restore((*waiting.values(), *own), known, kept)
    unreadable = (len(pool) + len(offers) + len(seats)) // 2 - len(waiting) - len(offered) - len(seated)
    saved = SavedState(matcher, position.decode() if position else FROM_THE_START, unreadable)
    rows = {row.decode() for row in (*pool[::2], *offers[::2])}
    for call_id in (rows - matcher.waiting.keys() - matcher.offers.keys()) | {call.call_id for call in own}:
        saved.touch_call(call_id)  # written, or taken away, with the first step
    return saved


def _without_unknown(offer: Offer, agents: Container[AgentId]) -> Offer:
    return offer if not offer.second or offer.second in agents else alone(offer)


def _writing(table: str, present: Mapping[Any, object], keys: Iterable[str]) -> list[Command]:
    return [
        ("HSET", table, key, msgspec.json.encode(present[key])) if key in present else ("HDEL", table, key)
        for key in keys
    ]
