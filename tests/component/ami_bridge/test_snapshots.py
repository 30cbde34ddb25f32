"""Snapshots of a scripted node: what events have not told is mended, what only looks wrong is not."""

import pytest

from tests.component.ami_bridge.bridged_node import (
    CALL,
    ENTRY,
    NOW,
    UID,
    Reader,
    bridged,
    channel,
    hangup,
    told_to_follow,
)
from tests.component.ami_bridge.scripted_ami import ScriptedAmi
from tieline import bus
from tieline.live import Live

pytestmark = pytest.mark.component


async def test_what_was_missed_while_the_link_was_down_is_mended_from_a_snapshot(
    peer: ScriptedAmi, live: Live
) -> None:
    reader = Reader(live)
    peer.items["CoreShowChannels"] = [channel(), channel("PJSIP/a1001-00000001", "fuzhou-1-1.1", "AppDial")]
    peer.items["PJSIPShowContacts"] = ["Event: ContactList\nEndpoint: a1001\nUri: sip:1\nStatus: Reachable"]
    async with bridged(peer, live) as bridge:
        first = await reader.until(bus.NodeSnapshot)
        assert [one.caller_leg for one in first.channels] == [True, False]
        assert first.reachable_agents == ("a1001",)
        assert bridge.metrics().repairs == 0
        peer.items["CoreShowChannels"] = [channel("PJSIP/edge-00000005", "fuzhou-1-1.5")]
        peer.items["PJSIPShowContacts"] = []
        peer.answers["PJSIPShowContacts"] = lambda _: "Response: Error\nMessage: No Contacts found"
        peer.cut()
        assert not (await reader.until(bus.NodeSeen)).up
        assert (await reader.until(bus.NodeSeen)).up
        second = await reader.until(bus.NodeSnapshot)
        mended = reader.events[reader.events.index(first) + 3 : -1]
        assert [type(event).__name__ for event in mended] == ["CallGone", "AgentLegGone", "PhoneSeen"]
        gone = mended[0]
        assert isinstance(gone, bus.CallGone)
        assert (gone.call_id, gone.estimated, gone.uniqueid) == (CALL, True, UID)
        assert second.reachable_agents == ()
        assert bridge.metrics().repairs == 4


async def test_a_snapshot_tells_each_callers_city_and_asks_for_it_once(peer: ScriptedAmi, live: Live) -> None:
    reader = Reader(live)
    cities = {ENTRY: "Value: putian", "PJSIP/edge-00000002": "Value: no city!"}
    peer.answers["Getvar"] = lambda said: (
        f"Response: Success\nVariable: TL_CITY\n{cities[said['Channel']]}"
        if said["Channel"] in cities
        else "Response: Error\nMessage: No such channel"
    )
    peer.items["CoreShowChannels"] = [
        channel(),
        channel("PJSIP/edge-00000002", "fuzhou-1-1.2"),
        channel("PJSIP/edge-00000003", "fuzhou-1-1.3"),
        channel("PJSIP/a1001-00000001", "fuzhou-1-1.1", "AppDial"),
    ]
    async with bridged(peer, live):
        first = await reader.until(bus.NodeSnapshot)
        assert [(one.city, one.answered) for one in first.channels] == [("putian", True), *[("", True)] * 3]
        await told_to_follow(live)
        await live.command("fuzhou-1", bus.TakeSnapshot(at=NOW))
        await reader.until(bus.NodeSnapshot)
    asked = [(said["Channel"], said["Variable"]) for said in await peer.heard("Getvar", 5)]
    assert asked.count((ENTRY, "TL_CITY")) == 1
    assert len(asked) == 5  # the other two callers with each list, the agent never


async def test_a_snapshot_tells_when_the_node_started(peer: ScriptedAmi, live: Live) -> None:
    reader = Reader(live)
    async with bridged(peer, live):
        assert (await reader.until(bus.NodeSnapshot)).started_at == 0
        await told_to_follow(live)
        peer.say("Event: FullyBooted\nPrivilege: system,all\nUptime: 90\nStatus: Fully Booted")
        await live.command("fuzhou-1", bus.TakeSnapshot(at=NOW))
        await reader.until(bus.NodeSnapshot, lambda snapshot: snapshot.started_at == NOW - 90)


async def test_a_difference_in_full_flow_is_mended_only_when_it_is_still_there(peer: ScriptedAmi, live: Live) -> None:
    reader = Reader(live)
    peer.items["CoreShowChannels"] = [channel()]
    async with bridged(peer, live, every_s=0.1) as bridge:
        await reader.until(bus.NodeSnapshot)
        peer.items["CoreShowChannels"] = []
        assert (await reader.until(bus.CallGone)).estimated
        asked = len(await peer.heard("CoreShowChannels"))
        assert asked >= 3  # the first, the one that differed, the one that confirmed it
        assert bridge.metrics().repairs == 1
        peer.say(hangup())  # the event itself comes at last: it is not told twice
        await reader.until(bus.NodeSnapshot)
        await reader.until(bus.NodeSnapshot)
        assert sum(isinstance(event, bus.CallGone) for event in reader.events) == 1


async def test_a_listing_that_fails_is_not_taken_for_an_empty_node(peer: ScriptedAmi, live: Live) -> None:
    reader = Reader(live)
    peer.items["CoreShowChannels"] = [channel()]
    async with bridged(peer, live, every_s=0.05) as bridge:
        await reader.until(bus.NodeSnapshot)
        peer.answers["CoreShowChannels"] = lambda _: "Response: Error\nMessage: Permission denied"
        await peer.heard("CoreShowChannels", 4)
        del peer.answers["CoreShowChannels"]
        taken = bridge.metrics().snapshots
        while bridge.metrics().snapshots < taken + 2:
            await reader.until(bus.NodeSnapshot)
        assert not [event for event in reader.events if isinstance(event, bus.CallGone)]
        assert bridge.metrics().channels == 1
