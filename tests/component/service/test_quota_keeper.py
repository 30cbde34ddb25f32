"""Quotas stay in force over losses of Redis, after the nodes' channels were counted; the nodes are told the caps."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import pytest

from service import quota_keeper
from service.quota_keeper import QuotaKeeper
from tests.component.trunk_config.site import quotas
from tests.support.redis_server import redis_server
from tieline import bus
from tieline.errors import ConnectionLost
from tieline.live import Live, commands_stream
from tieline.model import NodeId
from trunk_config.admission import install, maybe_version
from trunk_config.quota import Quota

pytestmark = pytest.mark.component

NODES = (NodeId("fuzhou-1"), NodeId("fuzhou-2"))


@dataclass
class Desk:
    """What is to be in force, and how often it was put there."""

    live: Live
    version: int = 3
    put: int = 0

    async def put_in_force(self) -> None:
        self.put += 1
        await install(self.live, self.version, "normal", quotas(Quota(0, 21), Quota(0, 0)))


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quota_keeper, "EVERY_S", 0.02)


@asynccontextmanager
async def keeping(desk: Desk) -> AsyncIterator[QuotaKeeper]:
    keeper = QuotaKeeper(desk.live, NODES, desk.put_in_force, lambda: 1000.0)
    task = asyncio.create_task(keeper.run())
    try:
        yield keeper
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def commands(live: Live, node: NodeId, kind: type[bus.Message], times: int) -> list[bus.Command]:
    """Wait until a node was sent so many commands of a kind, and give them."""
    found: list[bus.Command] = []
    position = "0-0"
    async with asyncio.timeout(5):
        while len(found) < times:
            for entry, raw in await live.read(commands_stream(node), position, block_ms=200):
                position = entry
                command = bus.decode_command(raw)
                found += [command] if isinstance(command, kind) else []
    return found


async def test_a_new_redis_gets_quotas_once_every_node_was_counted(live: Live) -> None:
    desk = Desk(live)
    async with keeping(desk) as keeper:
        await keeper.snapshot_compared(NODES[0])
        for node in NODES:
            await commands(live, node, bus.TakeSnapshot, 1)
        assert await maybe_version(live) is None
        await keeper.snapshot_compared(NODES[1])
        await keeper.wait_in_force()
        assert await maybe_version(live) == 3
        for node in NODES:
            await commands(live, node, bus.TakeSnapshot, 2)  # what was let in before that is counted, too
            told = [
                (one.name, one.value)
                for one in await commands(live, node, bus.SetGlobal, 3)
                if isinstance(one, bus.SetGlobal)
            ]
            assert told[:3] == [("TL_QUOTA", "3"), ("TL_CAP_fuzhou", "11"), ("TL_CAP_putian", "0")]
        assert keeper.metrics() == {"quotas_restored": 1, "nodes_not_counted": 0, "quota_version": 3}


async def test_a_node_that_is_down_does_not_keep_quotas_away(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quota_keeper, "COUNTED_WITHIN_S", 0.05)
    async with keeping(Desk(live)) as keeper:
        await keeper.snapshot_compared(NODES[0])
        await keeper.wait_in_force()
        assert await maybe_version(live) == 3
        assert keeper.metrics()["nodes_not_counted"] == 1


async def test_a_redis_that_lost_all_is_filled_after_new_snapshots(live: Live) -> None:
    desk = Desk(live)
    await desk.put_in_force()
    async with keeping(desk) as keeper:
        await keeper.wait_in_force()
        for node in NODES:
            await commands(live, node, bus.SetGlobal, 3)
        await live.call("FLUSHALL")
        for node in NODES:
            await commands(live, node, bus.TakeSnapshot, 1)
        assert await maybe_version(live) is None
        for node in NODES:
            await keeper.snapshot_compared(node)
        for node in NODES:
            await commands(live, node, bus.TakeSnapshot, 2)
        assert await maybe_version(live) == 3
        assert keeper.metrics()["quotas_restored"] == 1


async def test_a_changed_version_reaches_the_nodes_and_a_node_that_is_new_is_told(live: Live) -> None:
    desk = Desk(live)
    await desk.put_in_force()
    async with keeping(desk) as keeper:
        await keeper.wait_in_force()
        await commands(live, NODES[1], bus.SetGlobal, 3)  # of the first version
        await install(live, 4, "typhoon", quotas(Quota(0, 8), Quota(0, 6)))
        told = await commands(live, NODES[1], bus.SetGlobal, 6)
        assert [getattr(one, "value", "") for one in told[3:6]] == ["4", "4", "3"]
        await install(live, 5, "narrow", quotas(Quota(0, 8), Quota(4, 6), lines=10))
        told = await commands(live, NODES[1], bus.SetGlobal, 9)
        assert [getattr(one, "value", "") for one in told[6:9]] == [
            "5",
            "3",
            "3",
        ]  # what Putian has reserved is no one's
        await keeper.snapshot_compared(NODES[1])
        assert len(await commands(live, NODES[1], bus.SetGlobal, 12)) == 12
        assert desk.put == 2  # once by the test, once at the start: calls are not disturbed by putting it on again


async def test_a_redis_that_is_away_is_waited_for() -> None:
    with redis_server() as own:
        live = Live(own.url, deadline_s=0.3)
        desk = Desk(live)
        await desk.put_in_force()
        async with keeping(desk) as keeper:
            await keeper.wait_in_force()
            own.stop()
            own.start()
            with suppress(ConnectionLost):
                await live.call("PING")  # the connections from before are gone
            for node in NODES:
                await commands(live, node, bus.TakeSnapshot, 1)
                await keeper.snapshot_compared(node)
            for node in NODES:
                await commands(live, node, bus.TakeSnapshot, 2)
            assert await maybe_version(live) == 3
        await live.close()


async def test_another_access_under_the_same_version_is_told_to_the_nodes(live: Live) -> None:
    desk = Desk(live)
    await desk.put_in_force()
    async with keeping(desk) as keeper:
        await keeper.wait_in_force()
        await commands(live, NODES[0], bus.SetGlobal, 3)
        await install(live, desk.version, "normal", quotas(Quota(0, 7), Quota(0, 0)))
        told = await commands(live, NODES[0], bus.SetGlobal, 6)
        assert [(one.name, one.value) for one in told[-3:] if isinstance(one, bus.SetGlobal)] == [
            ("TL_QUOTA", "3"), ("TL_CAP_fuzhou", "4"), ("TL_CAP_putian", "0"),
        ]  # fmt: skip
