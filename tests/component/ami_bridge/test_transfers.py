"""Transfers by the bridge, against a scripted Asterisk: who is moved, which keys are pressed, what is noted."""

from collections.abc import AsyncIterator

import pytest

from tests.component.ami_bridge.bridged_node import (
    CALL,
    ENTRY,
    NOW,
    Reader,
    bridged,
    channel,
    passing,
    told_to_follow,
)
from tests.component.ami_bridge.scripted_ami import ScriptedAmi, scripted_ami
from tieline import bus
from tieline.lease import Lease
from tieline.live import Live
from tieline.streams import commanding

pytestmark = pytest.mark.component

LEG = "PJSIP/a1001-00000001"


@pytest.fixture
async def peer() -> AsyncIterator[ScriptedAmi]:
    """A node with a talk of a1001; its variables are read and written, the word of each is kept."""
    async with scripted_ami() as one:
        one.items["CoreShowChannels"] = [channel(), channel(LEG, "fuzhou-1-1.1", "AppDial")]
        values = {"TL_LEGS": "a1001:repair@50.000", "TL_BUSINESS": "repair"}

        def write(said: dict[str, str]) -> str:
            values[said["Variable"]] = said["Value"]
            return "Response: Success"

        one.answers["Getvar"] = lambda said: (
            f"Response: Success\nVariable: {said['Variable']}\nValue: {values.get(said['Variable'], '')}"
        )
        one.answers["Setvar"] = write
        yield one


async def command_at_once(live: Live, *commands: bus.Command) -> None:
    """Command as the matcher does: in one step of Redis, so that the bridge reads them in one batch."""
    lease = Lease(live, "tl:test:lease", "test")
    hold = await lease.take()
    await lease.act(hold, [commanding("fuzhou-1", command) for command in commands])
    await lease.give_up(hold)


def note(agent: str, begun_at: float) -> bus.NoteLeg:
    return bus.NoteLeg(at=NOW, call_id=CALL, channel=ENTRY, agent=agent, begun_at=begun_at)


def consult(step: str, *, call_id: str = CALL, agent: str = "a1001", expires: float = NOW + 2) -> bus.Consult:
    return bus.Consult(at=NOW, call_id=call_id, agent=agent, step=step, to_agent="a1002", expires=expires)


def send_on(to: str, *, expires: float = NOW + 2) -> bus.SendOn:
    return bus.SendOn(at=NOW, call_id=CALL, channel=ENTRY, to=to, expires=expires)


async def test_a_caller_is_moved_once_his_dialplan_knows_where_to(peer: ScriptedAmi, live: Live) -> None:
    async with bridged(peer, live) as bridge:
        await Reader(live).until(bus.NodeSnapshot)
        await told_to_follow(live)
        for late_or_bad in (send_on("billing::", expires=NOW), send_on("${SHELL(x)}::")):
            await live.command("fuzhou-1", late_or_bad)
        await live.command("fuzhou-1", send_on("billing:min_nan:a1002"))
        [moved] = await peer.heard("Redirect")
        assert (moved["Channel"], moved["Context"], moved["Exten"], moved["Priority"]) == (
            ENTRY,
            "transfer",
            "s",
            "1",
        )
        [to] = await peer.heard("Setvar")
        assert (to["Channel"], to["Variable"], to["Value"]) == (ENTRY, "TL_TO", "billing:min_nan:a1002")
        assert peer.actions.index(to) < peer.actions.index(moved)
        await passing(lambda: bridge.metrics().commands_done == 2, peer)
        assert (bridge.metrics().commands_expired, bridge.metrics().commands_refused) == (1, 1)


async def test_who_is_gone_is_not_moved(peer: ScriptedAmi, live: Live) -> None:
    peer.answers["Setvar"] = lambda _: "Response: Error\nMessage: No such channel"
    async with bridged(peer, live) as bridge:
        await Reader(live).until(bus.NodeSnapshot)
        await told_to_follow(live)
        await live.command("fuzhou-1", send_on("billing::"))
        await passing(lambda: bridge.metrics().commands_gone == 1, peer)
        assert not [action for action in peer.actions if action["Action"] == "Redirect"]


async def test_the_keys_of_a_consultation_are_pressed_on_the_agents_leg_in_that_call(
    peer: ScriptedAmi, live: Live
) -> None:
    async with bridged(peer, live) as bridge:
        await Reader(live).until(bus.NodeSnapshot)
        await told_to_follow(live)
        other = "019aa5d4-1c00-7abc-8def-0123456789ff"
        for missing in (consult("join", call_id=other), consult("join", agent="a1003")):
            await live.command("fuzhou-1", missing)
        for refused in (consult("join", expires=NOW), consult("dance")):
            await live.command("fuzhou-1", refused)
        await live.command("fuzhou-1", consult("consult"))
        await peer.heard("PlayDTMF", 1)
        await live.command("fuzhou-1", consult("complete"))
        keys = await peer.heard("PlayDTMF", 2)
        assert [(key["Channel"], key["Digit"], key["Receive"]) for key in keys] == [
            (LEG, "A", "true"),
            (LEG, "B", "true"),
        ]
        said = [(one["Channel"], one["Variable"], one["Value"]) for one in await peer.heard("Setvar", 3)]
        assert said == [
            (LEG, "_TL_CONSULT", ""),
            (LEG, "TRANSFER_EXTEN", "a1002"),
            (LEG, "TRANSFER_CONTEXT", "consult"),
        ]
        await passing(lambda: bridge.metrics().commands_done == 5, peer)
        metrics = bridge.metrics()
        assert (metrics.commands_gone, metrics.commands_expired, metrics.commands_refused) == (2, 1, 1)


async def test_an_agents_leg_ends_with_its_call(peer: ScriptedAmi, live: Live) -> None:
    async with bridged(peer, live) as bridge:
        await Reader(live).until(bus.NodeSnapshot)
        await told_to_follow(live)
        for agent in ("a1002", "a1001"):
            await live.command("fuzhou-1", bus.EndLeg(at=NOW, call_id=CALL, agent=agent))
        [ended] = await peer.heard("Hangup")
        assert (ended["Channel"], ended["Cause"]) == (LEG, "16")
        await passing(lambda: bridge.metrics().commands_done == 1, peer)
        assert bridge.metrics().commands_gone == 1


async def test_who_has_the_caller_is_noted_on_his_channel(peer: ScriptedAmi, live: Live) -> None:
    async with bridged(peer, live):
        await Reader(live).until(bus.NodeSnapshot)
        await told_to_follow(live)
        await live.command("fuzhou-1", note("a1002", 99.5))
        said = [(one["Channel"], one["Variable"], one["Value"]) for one in await peer.heard("Setvar", 2)]
        assert said == [
            (ENTRY, "TL_LEGS", "a1001:repair@50.000-99.500&a1002:repair@99.500"),
            (ENTRY, "TL_AGENT", "a1002"),
        ]


async def test_commands_of_one_call_are_not_carried_out_side_by_side(peer: ScriptedAmi, live: Live) -> None:
    async with bridged(peer, live):
        await Reader(live).until(bus.NodeSnapshot)
        await told_to_follow(live)
        await command_at_once(live, note("", 99.5), note("a1002", 110), note("a1003", 120))
        await peer.heard("Setvar", 5)
        await command_at_once(live, consult("consult"), consult("complete"))
        said = [one["Value"] for one in await peer.heard("Setvar") if one["Variable"] == "TL_LEGS"]
        assert said == [
            "a1001:repair@50.000-99.500",
            "a1001:repair@50.000-99.500&a1002:repair@110.000",
            "a1001:repair@50.000-99.500&a1002:repair@110.000-120.000&a1003:repair@120.000",
        ]
        assert [key["Digit"] for key in await peer.heard("PlayDTMF", 2)] == ["A", "B"]
