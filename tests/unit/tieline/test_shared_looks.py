"""Readers of a process who are at one place of the bus share a read; nobody's end is another one's."""

import asyncio
from collections.abc import Sequence

import pytest

from tieline import bus
from tieline.errors import ConnectionLost
from tieline.shared_looks import LOOK_EVERY_S, SharedLooks

pytestmark = pytest.mark.unit

RATED = bus.CallRated(at=1.0, call_id="a", rating=1)


class Stream:
    """A stream whose reads wait until it is told what they bring."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.cancelled = 0
        self.brings: asyncio.Future[Sequence[tuple[str, bytes]]] = asyncio.get_running_loop().create_future()

    async def read(self, position: str) -> Sequence[tuple[str, bytes]]:
        """Read after a position."""
        self.asked.append(position)
        try:
            return await asyncio.shield(self.brings)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise


async def turns() -> None:
    """Let every task come to its next wait."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_two_at_one_place_read_once_and_a_third_elsewhere_by_itself() -> None:
    stream = Stream()
    looks = SharedLooks(stream.read)
    tasks = [asyncio.create_task(looks.after(position)) for position in ("1-0", "1-0", "0-0")]
    await turns()
    stream.brings.set_result([("2-0", bus.encode(RATED)), ("3-0", b"not json")])
    for task in tasks:
        assert await task == [("2-0", RATED), ("3-0", None)]
    assert stream.asked == ["1-0", "0-0"]
    await looks.after("1-0")
    assert stream.asked == ["1-0", "0-0", "1-0"]


async def test_the_read_goes_on_as_long_as_somebody_waits_and_no_longer() -> None:
    stream = Stream()
    looks = SharedLooks(stream.read)
    first, second = (asyncio.create_task(looks.after("1-0")) for _ in range(2))
    await turns()
    first.cancel()
    await turns()
    assert (first.cancelled(), stream.cancelled) == (True, 0)
    second.cancel()
    await turns()
    assert (second.cancelled(), stream.cancelled) == (True, 1)


async def test_who_comes_while_the_abandoned_read_ends_reads_anew() -> None:
    stream = Stream()
    looks = SharedLooks(stream.read)
    first = asyncio.create_task(looks.after("1-0"))
    await turns()
    first.cancel()
    second = asyncio.create_task(looks.after("1-0"))
    await turns()
    stream.brings.set_result([])
    assert await second == []
    assert (stream.asked, stream.cancelled) == (["1-0", "1-0"], 1)


async def test_a_lost_connection_is_told_to_all_who_wait() -> None:
    stream = Stream()
    looks = SharedLooks(stream.read)
    tasks = [asyncio.create_task(looks.after("1-0")) for _ in range(2)]
    await turns()
    stream.brings.set_exception(ConnectionLost("gone"))
    for task in tasks:
        with pytest.raises(ConnectionLost):
            await task


async def test_all_look_at_the_same_moments() -> None:
    looks = SharedLooks(Stream().read)
    loop = asyncio.get_running_loop()
    await looks.next_moment()
    begin = loop.time()
    waiting = [asyncio.create_task(looks.next_moment()) for _ in range(3)]
    waiting[0].cancel()
    done, _ = await asyncio.wait(waiting[1:], return_when=asyncio.FIRST_COMPLETED)
    await turns()
    assert all(task.done() for task in waiting)
    assert len(done) >= 1
    assert begin // LOOK_EVERY_S < loop.time() // LOOK_EVERY_S
