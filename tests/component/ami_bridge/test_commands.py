"""Commands of the bus, carried out by a scripted node: once, in order, and nothing that is not ours."""

import pytest

from tests.component.ami_bridge.bridged_node import CALL, ENTRY, NOW, Reader, bridged, passing, told_to_follow
from tests.component.ami_bridge.scripted_ami import ScriptedAmi
from tieline import bus
from tieline.live import Live, commands_stream

pytestmark = pytest.mark.component


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
