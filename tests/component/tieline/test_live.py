"""The door to Redis: what a connection that went bad, or one refused command, does to the others."""

import asyncio
import contextlib
from collections.abc import Iterator

import pytest

from tests.support.redis_server import RedisServer, redis_server
from tieline import bus
from tieline.errors import ConnectionLost, DeadlineExceeded
from tieline.live import EVENTS, Live, ScriptError
from tieline.redis_link import Link

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


async def test_a_connection_that_ends_as_it_comes_holds_up_nobody_after(
    redis: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = Live(redis.url)
    opened = live._open

    async def ended_at_once() -> Link:
        link = await opened()
        link.abort()
        return link

    with monkeypatch.context() as patched:
        patched.setattr(live, "_open", ended_at_once)
        with pytest.raises(ConnectionLost):
            await live.call("PING")
    assert await live.call("PING") == b"PONG"
    await live.close()


def told(call_id: str) -> bus.CallRated:
    return bus.CallRated(at=1.0, call_id=call_id, rating=1)


async def test_what_does_not_parse_is_counted_and_skipped(redis: RedisServer) -> None:
    live = Live(redis.url)
    await live.call("XADD", EVENTS, "*", "m", b'{"type":"Nonsense"}')
    await live.tell(told("1"))
    async with contextlib.aclosing(live.follow_on(after="0-0")) as events:
        assert await anext(events) == told("1")
    assert live.skipped == 1
    await live.close()


async def test_who_follows_on_hears_what_was_told_while_the_link_was_broken(redis: RedisServer) -> None:
    live, other = Live(redis.url), Live(redis.url)
    async with contextlib.aclosing(live.follow_on(after="0-0")) as events:
        await other.tell(told("1"))
        assert await anext(events) == told("1")
        following = asyncio.ensure_future(anext(events))
        while b"cmd=xread" not in await other.call("CLIENT", "LIST"):
            pass
        await other.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        await other.tell(told("2"))
        assert await following == told("2")
    await asyncio.gather(live.close(), other.close())


async def test_who_follows_on_waits_for_a_redis_that_does_not_answer(redis: RedisServer) -> None:
    live, other = Live(redis.url, deadline_s=0.3), Live(redis.url)
    await other.call("CLIENT", "PAUSE", "600", "ALL")
    async with contextlib.aclosing(live.follow_on()) as events:
        following = asyncio.ensure_future(anext(events))
        while not following.done():
            await other.tell(told("1"))
        assert await following == told("1")
    await asyncio.gather(live.close(), other.close())
