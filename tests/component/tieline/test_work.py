"""What processes have in hand, as they tell it through Redis."""

import asyncio
from collections.abc import Iterator

import pytest

from tests.support.redis_server import RedisServer, redis_server
from tieline.endings import cancel_until_done
from tieline.live import Live
from tieline.work import STALE_S, WORK, Work, in_hand, read_work, tell_work

pytestmark = pytest.mark.component

NOW = 1_795_000_000.0


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    """One Redis for a test."""
    with redis_server() as server:
        yield server


async def test_a_process_tells_its_connections_and_each_of_its_tasks(redis: RedisServer) -> None:
    live = Live(redis.url)
    told = [await _told(live, connections=0)]
    stuck = asyncio.create_task(asyncio.Event().wait())
    told.append(await _told(live, connections=3))
    await cancel_until_done(stuck)
    assert [work.connections for work in told] == [0, 3]
    assert told[1].tasks == told[0].tasks + 1
    await live.close()


async def test_what_another_version_told_is_passed_over_and_removed(redis: RedisServer) -> None:
    live = Live(redis.url)
    await live.call("HSET", WORK, "agi-of-before", '{"at": 1}')
    assert await read_work(live, NOW) == ()
    telling = asyncio.create_task(tell_work(live, "agi-0", lambda: 2, lambda: NOW))
    async with asyncio.timeout(5):
        while await live.call("HKEYS", WORK) != [b"agi-0"]:
            pass
    await cancel_until_done(telling)
    await live.close()


async def test_a_task_that_comes_and_goes_is_in_the_most_and_not_in_the_fewest(redis: RedisServer) -> None:
    live = Live(redis.url)
    passing = asyncio.create_task(asyncio.Event().wait())
    telling = asyncio.create_task(tell_work(live, "agi-0", lambda: 0, lambda: NOW))
    async with asyncio.timeout(10):
        while not await read_work(live, NOW):
            pass
        await cancel_until_done(passing)
        while (work := (await read_work(live, NOW))[0]).tasks == work.tasks_most:
            pass
    assert work.tasks_most == work.tasks + 1
    await cancel_until_done(telling)
    await live.close()


def test_what_a_process_told_that_is_gone_does_not_count() -> None:
    fresh, gone = (Work(at=NOW - age, connections=1, tasks=9, tasks_most=9) for age in (STALE_S, STALE_S + 0.1))
    assert in_hand((fresh, gone), NOW) == (fresh,)


async def _told(live: Live, *, connections: int) -> Work:
    """Let it tell once."""
    await live.call("DEL", WORK)
    telling = asyncio.create_task(tell_work(live, "agi-0", lambda: connections, lambda: NOW))
    async with asyncio.timeout(5):
        while not (works := await read_work(live, NOW)):
            pass
    await cancel_until_done(telling)
    return works[0]
