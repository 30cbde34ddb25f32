"""A reader of Redis that does not hear its cancellation, and how it is ended all the same."""

import asyncio
from collections.abc import Iterator

import pytest

from tests.support.redis_server import RedisServer, redis_server
from tieline import bus
from tieline.endings import cancel_until_done
from tieline.live import Live

pytestmark = pytest.mark.component


@pytest.fixture(scope="module")
def redis() -> Iterator[RedisServer]:
    """One Redis for the module."""
    with redis_server() as server:
        yield server


async def test_a_reader_cancelled_just_as_its_answer_arrives_ends(redis: RedisServer) -> None:
    live = Live(redis.url)
    event = bus.CallRated(at=1.0, call_id="a", rating=1)
    reading = asyncio.Event()

    async def read() -> None:
        position = await live.last_id()
        reading.set()
        async for _ in live.follow(after=position):
            pass

    for _ in range(5):
        reading.clear()
        task = asyncio.create_task(read())
        await reading.wait()
        await live.tell(event)
        await cancel_until_done(task)
        assert task.cancelled()
    await live.close()


async def test_a_task_that_died_of_itself_is_left_so() -> None:
    async def die() -> None:
        raise ValueError("of itself")

    task = asyncio.create_task(die())
    await asyncio.wait([task])
    await cancel_until_done(task)
    assert isinstance(task.exception(), ValueError)
