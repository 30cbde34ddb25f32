"""The door to Redis: what a connection that went bad, or one refused command, does to the others."""

import asyncio
from collections.abc import Iterator

import pytest

from tests.support.redis_server import RedisServer, redis_server
from tieline.errors import ConnectionLost, DeadlineExceeded
from tieline.live import Live, ScriptError

pytestmark = pytest.mark.component


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    """One Redis for a test: some stop it."""
    with redis_server() as server:
        yield server


async def test_one_refused_command_leaves_its_neighbours_answers_alone(redis: RedisServer) -> None:
    live = Live(redis.url)
    found = await asyncio.gather(
        live.call("SET", "a", "1"), live.call("LPUSH", "a", "x"), live.call("GET", "a"), return_exceptions=True
    )
    assert found[0] == b"OK"
    assert isinstance(found[1], ScriptError)
    assert found[2] == b"1"
    await live.close()


async def test_a_restart_between_two_commands_is_not_noticed(redis: RedisServer) -> None:
    live = Live(redis.url)
    await live.call("PING")
    redis.stop()
    redis.start()
    assert await live.call("PING") == b"PONG"
    await live.close()


async def test_a_late_answer_is_never_taken_for_the_next_one(redis: RedisServer) -> None:
    live = Live(redis.url)
    await live.call("RPUSH", "list", "late")
    with pytest.raises(DeadlineExceeded):
        await live.call("BLPOP", "none", "0", deadline_s=0.05)
    assert await live.call("LPOP", "list") == b"late"
    await live.close()


async def test_a_blocked_reader_ends_when_redis_does(redis: RedisServer) -> None:
    live = Live(redis.url)
    after = await live.last_id("stream")
    reading = asyncio.create_task(live.read("stream", after, block_ms=10_000))
    while b"cmd=xread" not in await live.call("CLIENT", "LIST"):
        pass
    redis.stop()
    with pytest.raises(ConnectionLost):
        await reading
    await live.close()


async def test_closing_leaves_no_connection(redis: RedisServer) -> None:
    watching, live = Live(redis.url), Live(redis.url)
    await asyncio.gather(live.call("PING"), live.read("stream", "0-0", block_ms=1))
    before = int((await watching.call("INFO", "clients")).split(b"connected_clients:")[1].split()[0])
    await live.close()
    while int((await watching.call("INFO", "clients")).split(b"connected_clients:")[1].split()[0]) != before - 2:
        pass
    await watching.close()
