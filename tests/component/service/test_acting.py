"""One of two processes does the work; over losses of Redis it goes on, unless the other has had the lease."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from service import acting
from service.acting import Act, Acting
from tieline.endings import cancel_until_done
from tieline.errors import DeadlineExceeded
from tieline.lease import Command, Hold, Lease, LeaseLost
from tieline.live import Live

pytestmark = pytest.mark.component

KEY = "tl:test:lease"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(acting, "RENEW_S", 0.02)
    monkeypatch.setattr(acting, "AGAIN_S", 0.02)


class Worker:
    """A process, and whether it works."""

    def __init__(self, lease: Lease) -> None:
        self.begun, self.ended = asyncio.Event(), asyncio.Event()
        self.acts: list[Act] = []
        self.acting = Acting("work", lease, self._work)

    @asynccontextmanager
    async def _work(self, act: Act) -> AsyncIterator[None]:
        self.acts.append(act)
        self.ended.clear()
        self.begun.set()
        try:
            yield
        finally:
            self.begun.clear()
            self.ended.set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.acting.run())
        try:
            async with asyncio.timeout(5):
                yield
        finally:
            await cancel_until_done(task)


class Silent(Lease):
    """A lease whose Redis does not answer for a while.

    Attributes:
        asked: Renewals that were asked for.
    """

    asked = 0

    async def act(self, hold: Hold, commands: Sequence[Command]) -> None:
        self.asked += 1
        if self.asked < 3:
            raise DeadlineExceeded("redis", 1.0)
        await super().act(hold, commands)


async def held(live: Live) -> None:
    """Wait until somebody holds the lease."""
    while not await live.call("EXISTS", KEY):
        pass


async def test_the_second_works_once_the_first_has_ended(live: Live) -> None:
    first, second = (Worker(Lease(live, KEY, name, lasts_s=30)) for name in ("first", "second"))
    async with first.running():
        await first.begun.wait()
        async with second.running():
            assert (first.acting.metrics()["acting"], second.acting.metrics()["acting"]) == (True, False)
            await first.acts[0]([("SET", "is", "first")])
    async with second.running():
        await second.begun.wait()
        assert first.ended.is_set()
        with pytest.raises(LeaseLost):
            await first.acts[0]([("SET", "is", "late")])
    assert await live.call("GET", "is") == b"first"


async def test_a_redis_that_lost_the_lease_does_not_interrupt_the_work(live: Live) -> None:
    worker = Worker(Lease(live, KEY, "one", lasts_s=30))
    async with worker.running():
        await worker.begun.wait()
        await live.call("FLUSHALL")
        await held(live)
        await worker.acts[0]([("SET", "is", "one")])
        assert (worker.acting.metrics()["terms"], worker.ended.is_set()) == (1, False)


async def test_a_redis_that_is_silent_does_not_interrupt_the_work(live: Live) -> None:
    lease = Silent(live, KEY, "one", lasts_s=30)
    worker = Worker(lease)
    async with worker.running():
        await worker.begun.wait()
        while lease.asked < 4:
            await live.call("PING")
        assert (worker.acting.metrics()["terms"], worker.ended.is_set()) == (1, False)


async def test_who_finds_that_another_one_took_over_stops_and_stands_by(live: Live) -> None:
    other = Lease(live, KEY, "other", lasts_s=30)
    worker = Worker(Lease(live, KEY, "frozen", lasts_s=30))
    async with worker.running():
        await worker.begun.wait()
        hold = await _taken_over(live, other)
        await worker.ended.wait()
        assert worker.acting.metrics() == {"terms": 1, "acting": False}
        await other.act(hold, [])  # he who stopped has not given up another one's lease
        await other.give_up(hold)
        await worker.begun.wait()
        assert worker.acting.metrics() == {"terms": 2, "acting": True}


async def _taken_over(live: Live, other: Lease) -> Hold:
    """Let the lease run out and another one take it at once, before the holder looks."""
    deleting, taking = live.begin("DEL", KEY), asyncio.ensure_future(other.take())
    await deleting
    return await taking
