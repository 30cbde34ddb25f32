"""A scripted node and a real Redis, bridged: events, heartbeats, a Redis that goes away."""

import asyncio

import pytest

from ami_bridge.node_link import Patience
from ami_bridge.outbox import Outbox
from tests.component.ami_bridge.bridged_node import (
    CALL,
    ENTRY,
    UID,
    Reader,
    bridged,
    hangup,
    passing,
)
from tests.component.ami_bridge.scripted_ami import ScriptedAmi
from tests.support.redis_server import redis_server
from tieline import bus
from tieline.errors import ConnectionLost
from tieline.live import EVENTS, Live

pytestmark = pytest.mark.component


async def test_events_reach_the_bus_in_order(peer: ScriptedAmi, live: Live) -> None:
    reader = Reader(live)
    async with bridged(peer, live) as bridge:
        await reader.until(bus.NodeSnapshot)
        head = f"Channel: {ENTRY}\nAccountCode: {CALL}\nUniqueid: {UID}\n"
        for digit in "123":
            peer.say(f"Event: DTMFEnd\n{head}Digit: {digit}\nDirection: Received")
        peer.say(f"Event: UserEvent\n{head}UserEvent: TielineTaken\nCallId: {CALL}\nAgent: a1001\nFence: 7")
        peer.say(f"Event: UserEvent\n{head}UserEvent: TielineTaken\nCallId: {CALL}\nAgent: a1001\nFence: x")
        peer.say(hangup())
        await reader.until(bus.CallGone)
        assert [type(event).__name__ for event in reader.events] == [
            "NodeSeen", "NodeSnapshot", "CallerKey", "CallerKey", "CallerKey", "OfferTaken", "CallGone",
        ]  # fmt: skip
        assert [event.digit for event in reader.events if isinstance(event, bus.CallerKey)] == ["1", "2", "3"]
        metrics = bridge.metrics()
        assert (metrics.up, metrics.told, metrics.hostile, metrics.channels) == (True, 7, 1, 0)
        assert metrics.events == {"FullyBooted": 1, "DTMFEnd": 3, "UserEvent": 2, "Hangup": 1}


async def test_heartbeats_are_passed_on_and_our_own_is_written(peer: ScriptedAmi, live: Live) -> None:
    await live.call("MSET", "tl:hb:agi:1", "1795250001", "tl:hb:matcher", "1795250002.75")
    async with bridged(peer, live):
        said = {one["Variable"]: one["Value"] for one in await peer.heard("Setvar", 2)}
        assert said == {"TL_HB_AGI_1": "1795250001", "TL_HB_MATCHER": "1795250002"}
        await peer.heard("Setvar", 3)  # a second later: the first beat is over
        assert await live.call("GET", "tl:hb:bridge:fuzhou-1") == b"1795250000"
        assert 0 < await live.call("TTL", "tl:hb:bridge:fuzhou-1") <= 5


async def test_a_heartbeat_that_is_missing_or_no_number_is_not_passed_on(peer: ScriptedAmi, live: Live) -> None:
    await live.call("SET", "tl:hb:agi:0", "1)${SHELL(id)}")
    async with bridged(peer, live):
        async with asyncio.timeout(5):
            while not await live.call("EXISTS", "tl:hb:bridge:fuzhou-1"):
                pass
    assert not [action for action in peer.actions if action["Action"] == "Setvar"]


async def test_events_outlive_a_redis_that_goes_away(peer: ScriptedAmi) -> None:
    with redis_server() as server:
        live = Live(server.url, deadline_s=0.3)
        # Starting and ending Redis holds this process up: that must not look like a silent Asterisk.
        patient = Patience(ping_every_s=0.05, ping_deadline_s=10)
        async with bridged(peer, live, outbox=Outbox(limit=3, kept_for_ends=1), patience=patient) as bridge:
            await Reader(live).until(bus.NodeSnapshot)
            await passing(lambda: bridge.metrics().waiting == 0, peer)
            server.stop()
            head = f"Channel: {ENTRY}\nAccountCode: {CALL}\nUniqueid: {UID}\n"
            for digit in "12345":
                peer.say(f"Event: DTMFEnd\n{head}Digit: {digit}\nDirection: Received")
            peer.say(hangup())
            await passing(lambda: bridge.metrics().waiting == 4, peer)
            with pytest.raises(ConnectionLost):
                await live.read(EVENTS, "0-0")
            server.start()
            reader = Reader(live)
            await reader.until(bus.NodeSnapshot)
            assert [getattr(event, "digit", type(event).__name__) for event in reader.events] == [
                "1", "2", "3", "CallGone", "NodeSeen", "NodeSnapshot",
            ]  # fmt: skip
            seen = reader.events[4]
            assert isinstance(seen, bus.NodeSeen)
            assert (seen.up, seen.reason) == (True, "gap: 2 events were not told")
            assert bridge.metrics().dropped == 2
        await live.close()


async def test_a_bridge_that_stops_says_so(peer: ScriptedAmi, live: Live) -> None:
    reader = Reader(live)
    async with bridged(peer, live):
        await reader.until(bus.NodeSnapshot)
    last = await reader.until(bus.NodeSeen)
    assert (last.up, last.reason) == (False, "the bridge stops")
