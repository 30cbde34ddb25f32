"""The keeper on a real Redis and a real journal: lines come back, unreported hang-ups are written, nothing twice."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import msgspec
import pytest

from crm_adapter.journal import Journal, JournalReader
from crm_adapter.open_calls import OPEN
from crm_adapter.record import CallRecord
from service.keeper import Keeper
from service.safety_audit import PENDING, SafetyAudit
from tests.component.trunk_config.site import ask, quotas
from tests.support.redis_server import RedisServer
from tieline import bus
from tieline.database import Database, create_schema
from tieline.live import EVENTS, Live
from tieline.model import CityId, NodeId, SiteId, Witness
from tieline.store import fetch_audit
from trunk_config.admission import LINES, MESSAGES, in_use, install
from trunk_config.quota import Quota

pytestmark = pytest.mark.component

CALL = "01a1fd4d-bb36-71fb-a054-78c1d08e8cad"
UNIQUEID = "fuzhou-1-1000.1"
CHANNEL = "PJSIP/edge-1-00000001"


class Hands:
    """A clock that the test moves."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@asynccontextmanager
async def keeping(server: RedisServer, directory: Path, clock: Hands) -> AsyncIterator[Keeper]:
    live, journal = Live(server.url), Journal(directory, "keeper")
    compared: list[NodeId] = []

    async def after_snapshot(node: NodeId) -> None:
        compared.append(node)

    keeper = Keeper(SiteId("fuzhou"), live, journal, clock, after_snapshot=after_snapshot)
    task = asyncio.create_task(keeper.run())
    try:
        yield keeper
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await journal.close()
        await live.close()


def arrived(at: float) -> bus.CallArrived:
    return bus.CallArrived(
        at=at,
        call_id=CALL,
        node="fuzhou-1",
        channel=CHANNEL,
        uniqueid=UNIQUEID,
        city="fuzhou",
        number_state="withheld",
    )


def gone(at: float) -> bus.CallGone:
    return bus.CallGone(at=at, call_id=CALL, node="fuzhou-1", channel=CHANNEL, uniqueid=UNIQUEID, cause=16)


async def hold_a_line(live: Live) -> None:
    await install(live, 1, "normal", quotas(Quota(0, 5), Quota(0, 5)))
    assert (await ask(live, UNIQUEID, now=1000)).granted


async def line_is_back(live: Live) -> None:
    async with asyncio.timeout(5):
        while (await in_use(live)).get(CityId("fuzhou")) != 0:
            await live.read("tl:events", await live.last_id(), block_ms=20)


async def stand_in(live: Live) -> bus.CallJournalled:
    async with asyncio.timeout(5):
        async for _, event in live.follow(after="0-0"):
            if isinstance(event, bus.CallJournalled):
                return event
    raise AssertionError


def written(directory: Path) -> list[CallRecord]:
    return list(JournalReader(directory, directory / "test.cursor").read().records)


async def test_a_line_comes_back_when_its_channel_ends(server: RedisServer, live: Live, tmp_path: Path) -> None:
    await hold_a_line(live)
    async with keeping(server, tmp_path, Hands()):
        await live.tell(arrived(1000), gone(1001))
        await line_is_back(live)


def seen(uniqueid: str, *, answered: bool, context: str = "hold", caller_leg: bool = True) -> bus.ChannelSeen:
    return bus.ChannelSeen(
        channel=CHANNEL,
        uniqueid=uniqueid,
        linkedid=uniqueid,
        call_id="",
        context=context,
        application="",
        caller_leg=caller_leg,
        answered=answered,
        city="fuzhou",
    )


async def test_a_snapshot_brings_back_the_lines_and_messages_that_redis_lost(
    server: RedisServer, live: Live, tmp_path: Path
) -> None:
    channels = (
        seen("fuzhou-1-1000.1", answered=True),
        seen("fuzhou-1-1000.2", answered=True, caller_leg=False),
        seen("fuzhou-1-1000.3", answered=False, context="refuse"),
        seen("fuzhou-1-1000.4", answered=False, context="agi"),
        seen("fuzhou-1-1000.5", answered=True, context="hangup"),
    )
    async with keeping(server, tmp_path, Hands()) as keeper:
        await live.tell(bus.NodeSnapshot(at=1100, node="fuzhou-1", channels=channels))
        async with asyncio.timeout(5):
            while not await live.call("GET", "tl:keeper:position"):
                await live.read("tl:events", await live.last_id(), block_ms=20)
        assert await live.call("HGETALL", LINES) == [b"fuzhou-1-1000.1", b"fuzhou 1000"]
        assert await live.call("HGETALL", MESSAGES) == [b"fuzhou-1-1000.3", b"fuzhou"]
        metrics = keeper.metrics()
        assert (metrics["lines_added"], metrics["messages_added"], metrics["lines_released"]) == (1, 1, 0)


async def test_a_line_that_a_node_gave_by_itself_is_counted_until_its_channel_ends(
    server: RedisServer, live: Live, tmp_path: Path
) -> None:
    async with keeping(server, tmp_path, Hands()) as keeper:
        await live.tell(bus.LineHeld(at=1000, call_id=CALL, node="fuzhou-1", uniqueid=UNIQUEID, city="fuzhou"))
        async with asyncio.timeout(5):
            while await in_use(live) != {"fuzhou": 1}:
                await live.read("tl:events", await live.last_id(), block_ms=20)
        await live.tell(gone(1001))
        await line_is_back(live)
        assert (keeper.metrics()["lines_by_node"], keeper.metrics()["lines_added"]) == (1, 0)


async def test_what_does_not_parse_is_counted_and_skipped(server: RedisServer, live: Live, tmp_path: Path) -> None:
    async with keeping(server, tmp_path, Hands()) as keeper:
        for raw in (b"\xff\x00", b'{"type":"CallArrived","at":"soon"}'):
            await live.call("XADD", EVENTS, "*", "m", raw)
        await live.tell(bus.LineHeld(at=1000, call_id=CALL, node="fuzhou-1", uniqueid=UNIQUEID, city="fuzhou"))
        async with asyncio.timeout(5):
            while await in_use(live) != {"fuzhou": 1}:
                await live.read("tl:events", await live.last_id(), block_ms=20)
        assert (keeper.metrics()["skipped"], keeper.metrics()["restarts"]) == (2, 0)


async def test_a_snapshot_without_the_channel_brings_the_line_back_and_counts_the_repair(
    server: RedisServer, live: Live, tmp_path: Path
) -> None:
    await hold_a_line(live)
    async with keeping(server, tmp_path, Hands()) as keeper:
        await live.tell(bus.NodeSnapshot(at=1100, node="fuzhou-1", channels=()))
        await line_is_back(live)
        assert keeper.metrics()["lines_released"] == 1


async def test_who_passed_by_the_life_safety_list_is_in_the_audit_trail(
    server: RedisServer, live: Live, tmp_path: Path
) -> None:
    database = Database(f"sqlite:///{tmp_path / 'trail.sqlite'}")
    create_schema(database)
    safe = msgspec.structs.replace(arrived(1000.5), verdict="safety", number="+8659100001234", quota_version=4)
    async with keeping(server, tmp_path, Hands()):
        await live.tell(arrived(1000), safe)
        async with asyncio.timeout(5):
            while not await live.call("LLEN", PENDING):
                await live.read("tl:events", await live.last_id(), block_ms=20)
    trail = SafetyAudit(SiteId("fuzhou"), live, database)
    for _ in range(2):
        await trail.look()
    with database.transaction() as connection:
        [row] = fetch_audit(connection)
    assert (row.at, row.action, row.subject) == (1000.5, "line.safety", f"call:{CALL}")
    assert row.after["quota_version"] == 4
    assert "1234" not in str(row)
    assert trail.metrics() == {"safety_audited": 1}
    database.close()


async def test_calls_that_another_version_wrote_do_not_keep_it_from_starting(
    server: RedisServer, live: Live, tmp_path: Path
) -> None:
    await live.call("HSET", OPEN, "01a1fd4d-bb36-71fb-a054-78c1d08e8c00", '{"node": "fuzhou-1"}')
    async with keeping(server, tmp_path, Hands()) as keeper:
        await live.tell(arrived(1000.0))
        while keeper.metrics()["open_calls"] != 1:
            await live.call("PING")


async def test_an_unreported_hang_up_is_written_once_also_over_a_restart(
    server: RedisServer, live: Live, tmp_path: Path
) -> None:
    clock = Hands()
    async with keeping(server, tmp_path, clock):
        await live.tell(arrived(1000))
        async with asyncio.timeout(5):
            while not await live.call("HLEN", "tl:open"):
                await live.read("tl:events", await live.last_id(), block_ms=20)
    await live.tell(gone(1001))
    clock.now = 1010.0
    for _ in range(2):
        async with keeping(server, tmp_path, clock):
            told = await stand_in(live)
    assert (told.call_id, told.witness) == (CALL, Witness.AMI)
    [record] = written(tmp_path)
    assert (record.call_id, record.hangup_at, record.witness) == (CALL, 1001, Witness.AMI)


async def test_a_reported_hang_up_is_left_alone(server: RedisServer, live: Live, tmp_path: Path) -> None:
    clock = Hands()
    clock.now = 2000.0
    told = bus.CallJournalled(at=1001, call_id=CALL, node="fuzhou-1", outcome="answered", witness="agi")
    await hold_a_line(live)
    async with keeping(server, tmp_path, clock) as keeper:
        await live.tell(arrived(1000), told, gone(1001))
        await line_is_back(live)
        assert keeper.metrics()["records_stood_in"] == 0
    assert written(tmp_path) == []
