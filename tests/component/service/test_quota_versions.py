"""Versions of quotas on a real Redis and SQL: whatever was lost or missed, the newest one gets in force."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from service.quota_versions import QuotaVersions
from tests.support.redis_server import RedisServer
from tests.unit.trunk_config.network import ADMIN, FUZHOU, NOW, PROFILES, TOPOLOGY, city, out_of_service, version
from tieline import bus
from tieline.database import Database, create_schema
from tieline.endings import cancel_until_done
from tieline.live import EVENTS, Live
from tieline.topology import Topology, TrunkState
from trunk_config.admission import QUOTA, maybe_version
from trunk_config.change import Change, PutOn, SetShares, Share
from trunk_config.desk import Desk
from trunk_config.in_force import put_in_force, replace_in_force

pytestmark = pytest.mark.component


class Clock:
    """A clock that a test moves."""

    now = NOW

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = Database(f"sqlite:///{tmp_path / 'tieline.db'}")
    create_schema(made)
    yield made
    made.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def desk(database: Database, clock: Clock) -> Desk:
    return Desk(database, TOPOLOGY, PROFILES, clock=clock)


@asynccontextmanager
async def following(
    server: RedisServer, desk: Desk, clock: Clock, topology: Topology = TOPOLOGY
) -> AsyncIterator[QuotaVersions]:
    live = Live(server.url)
    versions = QuotaVersions(FUZHOU, live, desk, topology, PROFILES, clock)
    task = asyncio.create_task(versions.run())
    try:
        yield versions
    finally:
        await cancel_until_done(task)
        await live.close()


async def in_force(live: Live, number: int) -> None:
    """Wait until a version is in force; each look waits for the bus a moment."""
    async with asyncio.timeout(10):
        while await maybe_version(live) != number:
            await live.read(EVENTS, await live.last_id(), block_ms=20)


async def told(live: Live) -> list[tuple[int, str]]:
    """Every change that the bus was told of."""
    found = [bus.decode_event(raw) for _, raw in await live.read(EVENTS, "0-0", block_ms=20)]
    return [(event.version, event.profile) for event in found if isinstance(event, bus.QuotaChanged)]


def typhoon(until: float | None = None) -> Change:
    return Change(site=FUZHOU, what=PutOn("typhoon"), why="storm", base=1, until=until, confirmed=True)


async def test_the_newest_version_is_put_in_force_and_told(server: RedisServer, live: Live, desk: Desk) -> None:
    async with following(server, desk, Clock()) as versions:
        assert await versions.put_in_force()
        assert await maybe_version(live) == 1
    await desk.change(typhoon(), ADMIN)
    async with following(server, desk, Clock()) as versions:
        await versions.put_in_force()
        await versions.put_in_force()
    assert await live.call("HGET", QUOTA, "profile") == b"typhoon"
    assert list(dict.fromkeys(await told(live))) == [(1, "normal"), (2, "typhoon")]  # two at once may tell twice


async def test_a_change_that_nobody_installed_is_installed(server: RedisServer, live: Live, desk: Desk) -> None:
    async with following(server, desk, Clock()) as versions:
        await versions.put_in_force()
        change = Change(site=FUZHOU, what=SetShares({city("putian"): Share(reserve=17)}), why="wind", base=1)
        await desk.change(change, ADMIN)
        await in_force(live, 2)
    assert await live.call("HGET", QUOTA, "r:putian") == b"17"


async def test_a_redis_that_lost_the_quotas_is_left_to_who_counts_the_channels_first(
    server: RedisServer, live: Live, desk: Desk
) -> None:
    newest = await desk.newest(FUZHOU)
    assert not await replace_in_force(live, TOPOLOGY, newest, now=NOW)
    assert await maybe_version(live) is None
    await put_in_force(live, TOPOLOGY, newest, now=NOW)
    assert await replace_in_force(live, TOPOLOGY, newest, now=NOW)
    changed = await desk.change(typhoon(), ADMIN)
    assert await replace_in_force(live, TOPOLOGY, changed, now=NOW)
    assert await replace_in_force(live, TOPOLOGY, newest, now=NOW)
    assert await maybe_version(live) == 2
    assert not await put_in_force(live, TOPOLOGY, newest, now=NOW)


async def test_without_sql_what_is_known_stays_in_force(server: RedisServer, live: Live, tmp_path: Path) -> None:
    nowhere = Database(f"sqlite:///{tmp_path / 'empty.db'}")  # no schema: every question to it fails
    try:
        async with following(server, Desk(nowhere, TOPOLOGY, PROFILES), Clock()) as versions:
            await versions.put_in_force()
            assert await maybe_version(live) == 0
            create_schema(nowhere)
            await in_force(live, 1)
            with nowhere.transaction() as connection:
                connection.exec_driver_sql("DROP TABLE quota_version")
            await live.call("FLUSHALL")
            await versions.put_in_force()
            assert await maybe_version(live) == 1
            assert versions.metrics()["quota_sql_away"] >= 1
        await put_in_force(live, TOPOLOGY, version(7, "typhoon"), now=NOW)
        async with following(server, Desk(nowhere, TOPOLOGY, PROFILES), Clock()) as versions:
            assert not await versions.put_in_force()
            assert await maybe_version(live) == 7
    finally:
        nowhere.close()


async def test_an_end_time_brings_the_former_one_back_after_a_restart_of_everything_too(
    server: RedisServer, live: Live, desk: Desk, clock: Clock
) -> None:
    await desk.newest(FUZHOU)
    await desk.change(typhoon(until=NOW + 60), ADMIN)
    async with following(server, desk, clock) as versions:
        await versions.put_in_force()
        assert await maybe_version(live) == 2
        clock.now += 60
        await in_force(live, 3)
    assert await live.call("HGET", QUOTA, "profile") == b"normal"
    assert (await told(live))[-1] == (3, "normal")
    await desk.change(replace(typhoon(until=clock.now + 60), base=3), ADMIN)
    await live.call("FLUSHALL")
    clock.now += 3600
    async with following(server, desk, clock) as versions:
        await versions.put_in_force()
    assert (await maybe_version(live), await live.call("HGET", QUOTA, "profile")) == (5, b"normal")


async def test_a_changed_network_is_taken_in_at_the_start(
    server: RedisServer, live: Live, desk: Desk, clock: Clock
) -> None:
    async with following(server, desk, clock) as versions:
        await versions.put_in_force()
    assert await live.call("HGET", QUOTA, "c:fuzhou") == b"120"
    async with following(server, desk, clock, out_of_service(TOPOLOGY, "tg-fuzhou")) as versions:
        await versions.put_in_force()
    assert await live.call("HGET", QUOTA, "c:fuzhou") == b"0"


async def test_a_trunk_group_that_is_blocked_limits_its_city_and_no_other_process_needs_a_restart(
    server: RedisServer, live: Live, desk: Desk, clock: Clock
) -> None:
    async with following(server, desk, clock) as versions:
        await versions.put_in_force()
        assert await live.call("HGET", QUOTA, "c:putian") == b"60"
        await versions.take_network(out_of_service(TOPOLOGY, "tg-putian", TrunkState.BLOCKED))
        assert await live.call("HMGET", QUOTA, "c:putian", "c:fuzhou") == [b"0", b"120"]
        await versions.take_network(TOPOLOGY)
        assert await live.call("HGET", QUOTA, "c:putian") == b"60"
        await live.call("DEL", QUOTA)
        await versions.take_network(TOPOLOGY)
        assert await maybe_version(live) is None  # the channels are counted first
