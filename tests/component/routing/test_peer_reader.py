"""Another site is followed through a real replica of its Redis: seen, heard, and lost when it falls silent."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from itertools import count
from typing import Any, Final

import msgspec
import pytest

from routing.freshness import STALE_S
from routing.keys import HEARTBEAT_KEY, POOL, SEATS
from routing.offers import Waiting
from routing.peer_news import PeerLost, PeerNews, PeerSeen
from routing.peer_reader import PeerReader
from routing.seats import Seat
from tests.support.redis_server import RedisServer, redis_server
from tieline import bus
from tieline.live import Live
from tieline.model import AgentId, AgentState, Business, CallId, CityId, DialectId, Need, NodeId, SiteId

pytestmark = pytest.mark.component

XIAMEN: Final = SiteId("xiamen")
CALL: Final = Waiting(
    CallId("c1"),
    NodeId("xiamen-1"),
    "PJSIP/edge-1-0",
    Need(DialectId("puxian"), Business.REPAIR, CityId("quanzhou")),
    5.0,
    XIAMEN,
)
SEAT: Final = Seat(AgentState.READY, idle_since=3.0, node=NodeId("xiamen-1"))


class Replicated:
    """A site's Redis, and its copy at the other one."""

    def __init__(self, master: Live, replica: Live) -> None:
        self.master, self.replica = master, replica
        self.ahead_s = 0.0
        self.news: list[PeerNews] = []
        self._rung = asyncio.Event()
        self._beats = count()
        self.reader = PeerReader(XIAMEN, replica, self._clock, self._rung.set)

    def _clock(self) -> float:
        return asyncio.get_running_loop().time() + self.ahead_s

    async def beat(self) -> None:
        await self.master.call("SET", HEARTBEAT_KEY, next(self._beats))

    async def until(
        self, fits: Callable[[PeerNews], bool], meanwhile: Callable[[], Awaitable[Any]] | None = None
    ) -> None:
        """Wait until there is news that fits, doing something again and again meanwhile."""
        async with asyncio.timeout(10):
            while not any(fits(one) for one in self.news):
                if meanwhile is not None:
                    await meanwhile()
                with suppress(TimeoutError):
                    async with asyncio.timeout(0.05):
                        await self._rung.wait()
                self._rung.clear()
                self.news += self.reader.take()


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[RedisServer, RedisServer]]:
    with redis_server() as master, redis_server() as replica:
        yield master, replica


@asynccontextmanager
async def following(master: str, replica: str) -> AsyncIterator[Replicated]:
    lives = Live(master), Live(replica)
    await lives[1].call("REPLICAOF", *master.removeprefix("redis://").removesuffix("/0").split(":"))
    await lives[0].call("FLUSHALL")
    found = Replicated(*lives)
    task = asyncio.create_task(found.reader.run())
    try:
        yield found
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        for live in lives:
            await live.close()


@pytest.fixture
async def peer(servers: tuple[RedisServer, RedisServer]) -> AsyncIterator[Replicated]:
    async with following(servers[0].url, servers[1].url) as found:
        yield found


def shows(state: AgentState | None, *calls: str) -> Callable[[PeerNews], bool]:
    def fits(news: PeerNews) -> bool:
        if not isinstance(news, PeerSeen):
            return False
        seat = news.seats.get(AgentId("a2001"))
        return (seat and seat.state) == state and [call.call_id for call in news.waiting] == list(calls)

    return fits


async def test_the_other_sites_seats_and_pool_are_seen_and_what_it_says_is_heard(peer: Replicated) -> None:
    await peer.master.call("HSET", SEATS, "a2001", msgspec.json.encode(SEAT))
    await peer.until(shows(AgentState.READY), peer.beat)
    await peer.master.call("HSET", POOL, "c1", msgspec.json.encode(CALL))
    await peer.master.tell(bus.AgentChanged(at=1, agent="a2001", state="ready"))  # the bell; any event would do
    await peer.until(shows(AgentState.READY, "c1"), peer.beat)
    [seen, *_] = [news for news in reversed(peer.news) if isinstance(news, PeerSeen)]
    assert seen == PeerSeen(XIAMEN, {AgentId("a2001"): SEAT}, (CALL,))
    offer = bus.OfferMade(at=2, call_id="c9", agent="a2001", fence=7, lease_until=7, call_site="fuzhou")
    await peer.master.tell(offer, bus.AgentRinging(at=2, call_id="c1", agent="a2001"))
    await peer.until(lambda news: news == offer, peer.beat)
    assert not any(isinstance(news, bus.AgentRinging) for news in peer.news)


async def test_a_site_whose_heartbeat_stands_still_is_lost_once_and_found_again(peer: Replicated) -> None:
    await peer.until(shows(None), peer.beat)
    before = len(peer.news)
    peer.ahead_s = STALE_S + 1
    await peer.until(lambda news: news == PeerLost(XIAMEN))
    assert peer.reader.metrics()["peer_xiamen_up"] == 0
    await peer.master.tell(bus.CallGone(at=1, call_id="c1", node="n", channel="c", uniqueid="u", cause=16))
    del peer.news[before:]
    await peer.until(shows(None), peer.beat)
    assert peer.reader.lost == 1
    assert not any(isinstance(news, bus.CallGone) for news in peer.news), "told while it was lost"


async def test_a_replica_that_is_away_is_a_lost_site(servers: tuple[RedisServer, RedisServer]) -> None:
    master, replica = servers
    async with following(master.url, replica.url) as peer:
        await peer.until(shows(None), peer.beat)
        replica.stop()
        await peer.until(lambda news: news == PeerLost(XIAMEN))
        replica.start()
        host, port = master.url.removeprefix("redis://").removesuffix("/0").split(":")
        await peer.replica.call("REPLICAOF", host, port)
        del peer.news[:]
        await peer.until(shows(None), peer.beat)


async def test_rows_of_another_version_are_no_picture(peer: Replicated) -> None:
    await peer.until(shows(None), peer.beat)
    await peer.master.call("HSET", SEATS, "a2001", b'{"state": "asleep"}')
    await peer.until(lambda news: news == PeerLost(XIAMEN), peer.beat)
