"""The admission step on a real Redis: never above the cap, every lease ends, wherever a process dies."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from tests.support.redis_server import RedisServer, redis_server
from tieline.live import Live
from tieline.model import CityId, NodeId
from trunk_config.admission import admit, in_use, reconcile, release

pytestmark = pytest.mark.component

FUZHOU = CityId("fuzhou")


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    with redis_server() as running:
        yield running


@pytest.fixture
async def live(server: RedisServer) -> AsyncIterator[Live]:
    live = Live(server.url)
    await live.call("FLUSHALL")
    yield live
    await live.close()


async def take(live: Live, number: int, cap: int = 20, city: CityId = FUZHOU, now: float = 100.0) -> bool:
    answer = await admit(live, uniqueid=f"fuzhou-1-{now:.0f}.{number}", city=city, cap=cap, now=now, deadline_s=2)
    return answer.granted


async def test_300_callers_at_once_get_exactly_the_cap(live: Live) -> None:
    granted = await asyncio.gather(*(take(live, number) for number in range(300)))
    assert sum(granted) == 20
    assert await in_use(live) == {FUZHOU: 20}


async def test_asking_twice_for_one_channel_counts_once(live: Live) -> None:
    assert await take(live, 1, cap=1)
    assert await take(live, 1, cap=1)
    assert not await take(live, 2, cap=1)
    assert await in_use(live) == {FUZHOU: 1}


async def test_a_release_may_come_twice_or_for_nobody(live: Live) -> None:
    await take(live, 1)
    assert await release(live, "fuzhou-1-100.1", "fuzhou-1-100.99") == 1
    assert await release(live, "fuzhou-1-100.1") == 0
    assert await in_use(live) == {FUZHOU: 0}


async def test_cities_do_not_touch_each_other(live: Live) -> None:
    assert await take(live, 1, cap=1)
    assert await take(live, 2, cap=1, city=CityId("putian"))
    assert await in_use(live) == {FUZHOU: 1, "putian": 1}


async def test_reconciliation_frees_only_the_nodes_own_stale_leases(live: Live) -> None:
    await take(live, 1)
    await take(live, 2)
    await take(live, 3, now=200)
    await admit(live, uniqueid="fuzhou-2-100.1", city=FUZHOU, cap=9, now=100, deadline_s=2)
    repaired = await reconcile(live, node=NodeId("fuzhou-1"), present=["fuzhou-1-100.2"], snapshot_at=200)
    assert repaired == 1
    assert await in_use(live) == {FUZHOU: 3}


async def test_a_redis_that_lost_its_scripts_is_no_error(live: Live) -> None:
    assert await take(live, 1)
    await live.call("SCRIPT", "FLUSH")
    assert await take(live, 2)
