"""A node that is dead, silent or stays away: what of it is told."""

import asyncio

import pytest
from structlog.testing import capture_logs

from ami_bridge.node_link import Patience
from tests.component.ami_bridge.bridged_node import (
    CALL,
    NOW,
    UID,
    Reader,
    bridged,
    channel,
)
from tests.component.ami_bridge.scripted_ami import ScriptedAmi
from tieline import bus
from tieline.live import EVENTS, Live

pytestmark = pytest.mark.component

IMPATIENT = Patience(1, 1, 0.05, 0.3, 0.02, 0.1, dead_after_s=0.2)


async def test_the_channels_of_a_node_where_nobody_listens_any_more_end(peer: ScriptedAmi, live: Live) -> None:
    reader = Reader(live)
    peer.items["CoreShowChannels"] = [channel()]
    async with bridged(peer, live, patience=IMPATIENT) as bridge:
        await reader.until(bus.NodeSnapshot)
        await peer.stop()
        gone = await reader.until(bus.CallGone)
        assert (gone.call_id, gone.uniqueid, gone.estimated) == (CALL, UID, True)
        last = await reader.until(bus.NodeSnapshot)
        assert (last.channels, last.reachable_agents, last.at) == ((), (), NOW)
        failed = bridge.metrics().attempts_failed
        async with asyncio.timeout(5):
            while bridge.metrics().attempts_failed < failed + 3:
                await live.call("PING")
        told = await live.call("XLEN", EVENTS)
        assert told == len(reader.events)  # once
        peer.items["CoreShowChannels"] = [channel("PJSIP/edge-00000005", "fuzhou-1-9.5")]
        await peer.start()
        back = await reader.until(bus.NodeSnapshot)
        assert [one.uniqueid for one in back.channels] == ["fuzhou-1-9.5"]


async def test_a_node_that_accepts_and_is_silent_is_not_taken_for_dead(peer: ScriptedAmi, live: Live) -> None:
    reader = Reader(live)
    peer.items["CoreShowChannels"] = [channel()]
    async with bridged(peer, live, patience=IMPATIENT) as bridge:
        await reader.until(bus.NodeSnapshot)
        peer.answers["Login"] = peer.answers["Ping"] = lambda _: None
        await peer.heard("Login", 4)  # the first one, two without an answer, and the next
        metrics = bridge.metrics()
        assert (metrics.attempts_failed >= 2, metrics.channels) == (True, 1)


async def test_a_node_that_stays_away_is_told_once(peer: ScriptedAmi, live: Live) -> None:
    await peer.stop()
    reader = Reader(live)
    async with bridged(peer, live) as bridge:
        first = await reader.until(bus.NodeSeen)
        assert not first.up
        async with asyncio.timeout(5):
            while bridge.metrics().attempts_failed < 4:
                await live.call("PING")
        assert await live.call("XLEN", EVENTS) == 1
        assert await live.call("EXISTS", "tl:hb:bridge:fuzhou-1") == 0
        await peer.start()
        assert (await reader.until(bus.NodeSeen)).up


async def test_the_log_tells_when_the_link_goes_and_comes_and_what_was_mended(peer: ScriptedAmi, live: Live) -> None:
    reader = Reader(live)
    peer.items["CoreShowChannels"] = [channel()]
    with capture_logs() as lines:
        async with bridged(peer, live):
            await reader.until(bus.NodeSnapshot)
            peer.items["CoreShowChannels"] = []
            peer.cut()
            await reader.until(bus.NodeSnapshot)
    said = [(line["event"], line["log_level"], line.get("up"), line.get("differences")) for line in lines]
    assert said == [
        ("AMI link", "info", True, None),
        ("AMI link", "warning", False, None),
        ("AMI link", "info", True, None),
        ("snapshot differs from the events: mended", "warning", None, 1),
        ("AMI link", "warning", False, None),
    ]
    assert lines[1]["reason"]
