import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from typing import TypeVar

import pytest

from ami_bridge.bridge import Bridge
from ami_bridge.node_link import NodeLink, Patience
from ami_bridge.outbox import Outbox
from tests.component.ami_bridge.scripted_ami import SECRET, ScriptedAmi, scripted_ami
from tests.support.redis_server import RedisServer, redis_server
from tieline import bus
from tieline.errors import ConnectionLost
from tieline.live import EVENTS, Live, commands_stream

pytestmark = pytest.mark.component

CALL = "019aa5d4-1c00-7abc-8def-0123456789ab"
ENTRY, UID = "PJSIP/edge-00000000", "fuzhou-1-1.0"
NOW = 1_795_250_000.0
HEARTBEATS = {"tl:hb:agi:0": "TL_HB_AGI_0", "tl:hb:agi:1": "TL_HB_AGI_1", "tl:hb:matcher": "TL_HB_MATCHER"}
QUICK = Patience(1, 1, 0.05, 0.3, 0.02, 0.1)
IMPATIENT = Patience(1, 1, 0.05, 0.3, 0.02, 0.1, dead_after_s=0.2)
Told = TypeVar("Told", bound=bus.Message)


@pytest.fixture(scope="module")
def redis() -> Iterator[RedisServer]:
    with redis_server() as server:
        yield server


@pytest.fixture
async def live(redis: RedisServer) -> AsyncIterator[Live]:
    one = Live(redis.url)
    await one.call("FLUSHALL")
    yield one
    await one.close()


@pytest.fixture
async def peer() -> AsyncIterator[ScriptedAmi]:
    async with scripted_ami() as one:
        yield one


class Reader:
    """Reads the bus from its start."""

    def __init__(self, live: Live) -> None:
        self.events: list[bus.Event] = []
        self._live, self._after = live, "0-0"

    async def until(self, kind: type[Told], fits: Callable[[Told], bool] = lambda _: True) -> Told:
        """Read on until an event fits, and give it; those before it are skipped."""
        async with asyncio.timeout(10):
            while True:
                for entry, raw in await self._live.read(EVENTS, self._after, count=1, block_ms=200):
                    self._after = entry
                    event = bus.decode_event(raw)
                    self.events.append(event)
                    if isinstance(event, kind) and fits(event):
                        return event


@contextlib.asynccontextmanager
async def bridged(
    peer: ScriptedAmi, live: Live, *, outbox: Outbox | None = None, patience: Patience = QUICK, every_s: float = 30.0
) -> AsyncIterator[Bridge]:
    node = NodeLink("fuzhou-1", "127.0.0.1", peer.port, "tieline", SECRET)
    bridge = Bridge(
        node,
        live,
        HEARTBEATS,
        lambda: NOW,
        caller=replace(node, username="tieline-call"),
        patience=patience,
        outbox=outbox,
        snapshot_every_s=every_s,
        confirm_after_s=0.05,
    )
    task = asyncio.create_task(bridge.run())
    try:
        yield bridge
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def channel(name: str = ENTRY, uniqueid: str = UID, application: str = "Dial") -> str:
    head = f"Event: CoreShowChannel\nChannel: {name}\nChannelState: 6\nAccountCode: {CALL}\nUniqueid: {uniqueid}\n"
    return f"{head}Linkedid: {UID}\nApplication: {application}"


def hangup(uniqueid: str = UID) -> str:
    return (
        f"Event: Hangup\nPrivilege: call,all\nChannel: {ENTRY}\nAccountCode: {CALL}\nUniqueid: {uniqueid}\nCause: 16"
    )


async def passing(condition: Callable[[], bool], peer: ScriptedAmi) -> None:
    """Look again with each ping of the bridge until a condition holds."""
    while not condition():
        await peer.heard("Ping", 1 + len(await peer.heard("Ping")))


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


async def test_only_our_globals_are_set_and_caps_are_numbers(peer: ScriptedAmi, live: Live) -> None:
    reader = Reader(live)
    async with bridged(peer, live) as bridge:
        await reader.until(bus.NodeSnapshot)
        await told_to_follow(live)
        for name, value in (
            ("TL_CAP_fuzhou", "12+1"),
            ("TL_CAP_Fu(z)", "1"),
            ("TL_AGI_0", "10.0.0.1:1"),
            ("TL_QUOTA", ""),
            ("TL_CAP_fu-zhou", "12"),
            ("TL_QUOTA", "7"),
        ):
            await live.command("fuzhou-1", bus.SetGlobal(at=NOW, name=name, value=value))
        said = [(one["Variable"], one["Value"]) for one in await peer.heard("Setvar", 2)]
        assert said == [("TL_CAP_fu-zhou", "12"), ("TL_QUOTA", "7")]
        await passing(lambda: bridge.metrics().commands_done == 2, peer)
        assert bridge.metrics().commands_refused == 4


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


def mailbox(word: str = "agent:a1001:7", name: str = ENTRY, expires: float = NOW + 5) -> bus.PutInMailbox:
    return bus.PutInMailbox(at=NOW, call_id=CALL, channel=name, word=word, expires=expires)


async def test_commands_are_carried_out_once_and_in_order(peer: ScriptedAmi, live: Live) -> None:
    reader = Reader(live)
    peer.answers["Setvar"] = lambda said: (
        "Response: Error\nMessage: No such channel" if "ff" in said.get("Channel", "") else "Response: Success"
    )
    await live.command("fuzhou-1", bus.SetGlobal(at=NOW, name="TL_CAP_old", value="1"))
    async with bridged(peer, live) as bridge:
        await reader.until(bus.NodeSnapshot)
        await told_to_follow(live)
        for command in (
            mailbox(),
            mailbox(name="PJSIP/edge-000000ff"),
            mailbox(expires=NOW - 1),
            mailbox(word="x,y"),
            mailbox(name="/.*/"),
            bus.HangUpChannel(at=NOW, channel=ENTRY, cause=16),
            bus.SetGlobal(at=NOW, name="TL_CAP_fuzhou", value="30"),
        ):
            await live.command("fuzhou-1", command)
        await live.call("XADD", commands_stream("fuzhou-1"), "*", "m", b"not json")
        await live.command("fuzhou-1", bus.SetGlobal(at=NOW, name="TL_QUOTA", value="1"))
        assert (await peer.heard("Hangup"))[0]["Cause"] == "16"
        said = [(one.get("Channel"), one["Variable"], one["Value"]) for one in await peer.heard("Setvar", 4)]
        assert said == [
            (ENTRY, "TL_GO", "agent:a1001:7"),
            ("PJSIP/edge-000000ff", "TL_GO", "agent:a1001:7"),
            (None, "TL_CAP_fuzhou", "30"),
            (None, "TL_QUOTA", "1"),
        ]
        assert [one["Channel"] for one in await peer.heard("ControlPlayback")] == [ENTRY, "PJSIP/edge-000000ff"]
        await passing(lambda: bridge.metrics().commands_done == 4, peer)
        metrics = bridge.metrics()
        assert (metrics.commands_gone, metrics.commands_expired) == (1, 1)
        assert (metrics.commands_refused, metrics.commands_failed) == (3, 0)


async def test_a_slow_list_of_the_nets_members_holds_up_no_callers_word(peer: ScriptedAmi, live: Live) -> None:
    reader = Reader(live)
    peer.answers["QueueStatus"] = lambda _: None
    async with bridged(peer, live):
        await reader.until(bus.NodeSnapshot)
        await told_to_follow(live)
        await live.command("fuzhou-1", bus.SetNetQueues(at=NOW, queues=(), paused={}))
        await live.command("fuzhou-1", bus.SetQueueMember(at=NOW, agent="a1002", paused=False))
        await peer.heard("QueueStatus")
        await live.command("fuzhou-1", mailbox())
        await peer.heard("Setvar")
        assert "QueuePause" not in {one["Action"] for one in peer.actions}  # it waits for the mending


async def test_the_nets_members_are_mended_and_follow_and_queue_log_gets_its_lines_in_order(
    peer: ScriptedAmi, live: Live
) -> None:
    reader = Reader(live)
    peer.items["QueueStatus"] = [
        "Event: QueueParams\nQueue: net-1",
        "Event: QueueMember\nQueue: net-1\nLocation: PJSIP/a1001\nPaused: 1",
        "Event: QueueMember\nQueue: net-1\nLocation: PJSIP/a1002\nPaused: 0",
    ]
    queues = (bus.NetQueue(name="net-1", members={"a1001": 0, "a1002": 0, "a1003": 2}),)
    lines = tuple(
        bus.QueueLine(
            queue="repair-mandarin", event=event, uniqueid="fuzhou-1-1.1", agent="NONE", fields=("1", "", "2")
        )
        for event in ("ENTERQUEUE", "ABANDON")
    )
    async with bridged(peer, live) as bridge:
        await reader.until(bus.NodeSnapshot)
        await told_to_follow(live)
        for command in (
            bus.SetNetQueues(at=NOW, queues=queues, paused={"a1002": "meal"}),
            bus.SetQueueMember(at=NOW, agent="a1002", paused=False),
            bus.WriteQueueLog(at=NOW, lines=lines),
            bus.SetQueueMember(at=NOW, agent="edge-1", paused=True),
        ):
            await live.command("fuzhou-1", command)
        said = [(one["Interface"], one["Paused"], one.get("Reason")) for one in await peer.heard("QueuePause", 3)]
        assert said == [
            ("PJSIP/a1001", "false", None), ("PJSIP/a1002", "true", "meal"), ("PJSIP/a1002", "false", None),
        ]  # fmt: skip
        [added] = await peer.heard("QueueAdd")
        assert (added["Queue"], added["Interface"], added["Penalty"]) == ("net-1", "PJSIP/a1003", "2")
        written = await peer.heard("QueueLog", 2)
        assert [(one["Event"], one["Interface"], one["Message"]) for one in written] == [
            ("ENTERQUEUE", "NONE", "1||2"), ("ABANDON", "NONE", "1||2"),
        ]  # fmt: skip
        await passing(lambda: bridge.metrics().commands_refused == 1, peer)
        await passing(lambda: bridge.metrics().commands_done == 6, peer)


async def told_to_follow(live: Live) -> None:
    """Wait until the bridge blocks on its command stream: what is commanded before that is old."""
    async with asyncio.timeout(5):
        while b"cmd=xread" not in await live.call("CLIENT", "LIST"):
            pass


async def test_a_mailbox_word_is_not_put_in_after_a_cut(peer: ScriptedAmi, live: Live) -> None:
    reader = Reader(live)
    peer.answers["Setvar"] = lambda _: None
    async with bridged(peer, live) as bridge:
        await reader.until(bus.NodeSnapshot)
        await told_to_follow(live)
        await live.command("fuzhou-1", mailbox())
        await peer.heard("Setvar")
        peer.cut()
        await reader.until(bus.NodeSnapshot)
        assert bridge.metrics().commands_failed == 1
    assert len(await peer.heard("Setvar")) == 1


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
        async with asyncio.timeout(8):
            while bridge.metrics().attempts_failed < 2:
                await live.call("PING")
        assert bridge.metrics().channels == 1


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


def ring(uri: str = "tg-fuzhou*15405910001@127.0.10.1:5060", **changes: object) -> bus.RingCustomer:
    facts = {"__TL_CALL": CALL, "TL_DIALECT": "min_dong", "TL_WORD": "agent:a1001:7:1795250045000"}
    values = {"edge": "edge", "ring_s": 30.0, "shown": "95598", "facts": facts, "expires": NOW + 9, **changes}
    return bus.RingCustomer(at=NOW, call_id=CALL, uri=uri, **values)  # type: ignore[arg-type]


async def test_a_customer_is_rung_once_and_nobody_who_is_no_customer(peer: ScriptedAmi, live: Live) -> None:
    reader = Reader(live)
    async with bridged(peer, live) as bridge:
        await reader.until(bus.NodeSnapshot)
        await told_to_follow(live)
        bad = ("tg-fuzhou*110@127.0.10.1:5060", "tg-fuzhou*95598@127.0.10.1:5060", "15405910001@127.0.10.1:5060")
        for command in (
            *(ring(uri) for uri in bad),
            ring("tg-fuzhou*15405910001@127.0.10.1:5060\r\nAction: Logoff"),
            ring(facts={"TL_WORD": "${SHELL(id)}"}),
            ring(shown='"x" <110>'),
            ring(edge="edge/sip:15405910001@127.0.0.9&PJSIP/edge"),
            ring(expires=NOW - 1),
            ring(),
        ):
            await live.command("fuzhou-1", command)
        [said] = await peer.heard("Originate")
        assert [one["Username"] for one in await peer.heard("Login", 2)] == ["tieline", "tieline-call"]
        assert said["Channel"] == "PJSIP/edge/sip:tg-fuzhou*15405910001@127.0.10.1:5060"
        assert (said["Context"], said["Exten"], said["Timeout"]) == ("called-back", "s", "30000")
        assert (said["Account"], said["CallerID"], said["Async"]) == (CALL, "95598", "true")
        await passing(lambda: bridge.metrics().commands_done == 1, peer)
        metrics = bridge.metrics()
        assert (metrics.commands_refused, metrics.commands_expired) == (7, 1)
