"""Following another site through the copy of its Redis that this site has: its seats, its pool, what its bus tells.

Nothing is written there. The tables are read whole in one step, because what the other matcher has decided stands in
them; its bus is the bell that says when to look, and tells what is said between the sites (offers made and declined,
callers gone). Failure policy: a replica that is away, or whose master was silent for 5 s, gives `PeerLost` once; what
was told meanwhile is never made up for, since every offer in it has run out.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Final, Generic, NamedTuple, TypeVar

import msgspec
import structlog

from routing.freshness import Freshness
from routing.keys import HEARTBEAT_KEY, POOL, SEATS
from routing.offers import Waiting
from routing.peer_news import BetweenSites, PeerLost, PeerNews, PeerSeen
from routing.seats import Seat
from tieline import bus
from tieline.clock import Clock
from tieline.errors import RemoteProtocolError, TielineError
from tieline.live import EVENTS, Live, Reply, Script
from tieline.model import AgentId, SiteId

LOOK_EVERY_S: Final = 0.5
AFTER_BELL_S: Final = 0.1
"""From an event to a look, and to a second one: the other matcher takes events in every 100 ms."""
TELL_ANYWAY_S: Final = 2.0
"""A picture is handed on so often though nothing has changed: what was believed of it meanwhile is mended."""

_LOOK: Final = Script("""
local newest = redis.call('XREVRANGE', KEYS[4], '+', '-', 'COUNT', 1)
return {redis.call('GET', KEYS[1]) or '', redis.call('HGETALL', KEYS[2]), redis.call('HGETALL', KEYS[3]),
        newest[1] and newest[1][1] or '0-0'}
""")

_log = structlog.get_logger("matcher")

T = TypeVar("T")


_BELL: Final = (bus.CallWaiting, bus.AgentChanged, bus.OfferMade, bus.OfferWithdrawn, bus.CallGone, bus.TransferAsked)


class _Look(NamedTuple):
    heartbeat: bytes
    pool: list[bytes]
    seats: list[bytes]
    newest: bytes


class _Rows(Generic[T]):
    """Decodes the rows of a table; a row that has not changed is not decoded again."""

    def __init__(self, kind: type[T]) -> None:
        self._decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(kind)
        self._known: dict[bytes, tuple[bytes, T]] = {}

    def read(self, flat: list[bytes]) -> dict[str, T]:
        """Read what HGETALL gave.

        Raises:
            RemoteProtocolError: The other site writes rows of another version.
        """
        known = self._known
        try:
            self._known = {
                key: row if (row := known.get(key)) and row[0] == raw else (raw, self._decoder.decode(raw))
                for key, raw in zip(flat[::2], flat[1::2], strict=True)
            }
        except msgspec.MsgspecError as error:
            raise RemoteProtocolError(f"the other site's state: {error}") from error
        return {key.decode(): row for key, (_, row) in self._known.items()}


class PeerReader:
    """Follows one other site.

    Args:
        site: Which.
        replica: The copy of its Redis at ours.
        clock: Seconds; only its differences count.
        ring: Called when there is news to take.

    Attributes:
        lost: How often the site was lost since the start.
    """

    def __init__(self, site: SiteId, replica: Live, clock: Clock, ring: Callable[[], None]) -> None:
        self.lost = 0
        self._site, self._replica, self._clock, self._ring = site, replica, clock, ring
        self._fresh = Freshness()
        self._is_up = False
        self._position = ""
        self._news: list[PeerNews] = []
        self._last: _Look | None = None
        self._told_at = 0.0
        self._pool, self._seats = _Rows(Waiting), _Rows(Seat)

    async def run(self) -> None:
        """Follow until cancelled."""
        while True:
            try:
                await self._follow()
            except TielineError as error:
                self._lose(str(error))
                await asyncio.sleep(LOOK_EVERY_S)

    def take(self) -> list[PeerNews]:
        """Give what has become known since somebody last asked, in order."""
        news, self._news = self._news, []
        return news

    def metrics(self) -> Mapping[str, float]:
        """Give the numbers worth a graph; the age is -1 before the site was ever seen alive."""
        age_s = self._fresh.age_s(self._clock())
        return {
            f"peer_{self._site}_up": self._is_up,
            f"peer_{self._site}_lost": self.lost,
            f"peer_{self._site}_age_s": age_s if age_s < float("inf") else -1.0,
        }

    async def _follow(self) -> None:
        rang = False
        while True:
            reply: Reply = await self._replica.run(_LOOK, (HEARTBEAT_KEY, POOL, SEATS, EVENTS), ())
            look = _Look(*reply)
            now = self._clock()
            self._fresh.see(look.heartbeat or None, now)
            if self._fresh.is_fresh(now):
                self._see(look, now)
                rang = await self._listen(now + (AFTER_BELL_S if rang else LOOK_EVERY_S))
            else:
                self._lose("its heartbeat does not change")
                await asyncio.sleep(LOOK_EVERY_S)

    def _see(self, look: _Look, now: float) -> None:
        if not self._is_up:
            self._is_up, self._last, self._position = True, None, look.newest.decode()
            _log.info("another site is seen", peer=self._site)
        last = self._last
        is_same = last is not None and (last.pool, last.seats) == (look.pool, look.seats)
        if is_same and now - self._told_at < TELL_ANYWAY_S:
            return
        seats = {AgentId(agent): seat for agent, seat in self._seats.read(look.seats).items()}
        self._tell(PeerSeen(self._site, seats, tuple(self._pool.read(look.pool).values())))
        self._last, self._told_at = look, now

    async def _listen(self, until: float) -> bool:
        """Hand on what its bus tells until it is time for the next look; tells whether something rang for it."""
        rang = False
        while (left_s := until - self._clock()) > 0:
            for entry, raw in await self._replica.read(EVENTS, self._position, block_ms=max(1, int(left_s * 1000))):
                self._position = entry
                try:
                    event = bus.decode_event(raw)
                except RemoteProtocolError:
                    continue  # counted by its own readers
                if isinstance(event, BetweenSites):
                    self._tell(event)
                if isinstance(event, _BELL) and not rang:
                    rang, until = True, min(until, self._clock() + AFTER_BELL_S)
        return rang

    def _lose(self, reason: str) -> None:
        if self._is_up:
            self._is_up = False
            self.lost += 1
            self._tell(PeerLost(self._site))
            _log.warning("another site is not seen any more: no caller crosses", peer=self._site, reason=reason)

    def _tell(self, news: PeerNews) -> None:
        self._news.append(news)
        self._ring()
