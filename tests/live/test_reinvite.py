"""The session is offered again during a call (re-INVITE): it goes on, and stays one call with one ticket."""

import asyncio
from dataclasses import replace

import pytest

from lab.calls import RunResult, some_callers
from lab.ear import TONE_AMPLITUDE, ears, is_rtcp, maybe_packet
from lab.keys import keys_for
from lab.scripts import CallerScript, HangUp, Pause, Press, ReInvite, Talks
from lab.tones import AGENT_HZ, RATE_HZ, amplitude, decode, level
from tests.live.house import House
from tests.live.special_agents import HOLD_MS, HOLDS, TALK_MS
from tieline.model import Business, CityId, DialectId, Outcome

pytestmark = pytest.mark.live

AGAIN = (ReInvite(), ReInvite("sendonly"), Pause(400), ReInvite("sendrecv"))
"""A refresh of the session, a hold, and its end; each answer must take the direction offered."""
WINDOW = 800
MUSIC_LEVEL = 100
LATE_S = 1.0
"""So late may a busy machine be with what a caller or a phone does."""


def test_a_caller_may_refresh_and_hold_in_the_menu_and_in_the_talk(lab: House) -> None:
    keys = keys_for(lab.plan.topology.cities[CityId("putian")], DialectId("puxian"), Business.REPAIR)
    steps = (Pause(300), *AGAIN, Pause(300), Press(keys), Pause(6000), *AGAIN, Pause(600), HangUp())
    result = lab.call("putian", Talks(steps))
    assert result.is_scripted, result.faults
    lab.settle(calls=1)
    call = lab.one()
    moments = result.calls[0].moments
    answered, again, left = (
        [at for what, at in moments if what == name] for name in ("answered", "re-invited", "bye-sent")
    )
    assert len(again) == 6
    in_talk_s = (again[3] - answered[0]) / 1000
    assert call.agent_answered_at - call.answered_at < in_talk_s, "the agent was not there yet"
    assert (call.outcome, call.hangup_source) == (Outcome.ANSWERED, call.channel)
    assert call.hangup_at - call.answered_at == pytest.approx((left[0] - answered[0]) / 1000, abs=LATE_S)
    assert lab.ticket_calls() == [call.call_id]


def test_a_caller_whom_the_agents_phone_holds_hears_music_and_talks_on(lab: House) -> None:
    script = lab.script("nanping", "min_bei", Business.COMPLAINT, Pause(10_000), HangUp())
    result, heard = lab.run(call_with_ear(lab, "nanping", script))
    assert result.is_scripted, result.faults
    lab.settle(calls=1)
    call = lab.one()
    assert (call.agent, call.outcome, call.hangup_source) == (HOLDS, Outcome.ANSWERED, call.channel)
    moments = dict(result.calls[0].moments)
    whole_s = (moments["bye-sent"] - moments["answered"]) / 1000
    assert call.hangup_at - call.answered_at == pytest.approx(whole_s, abs=LATE_S)
    assert call.hangup_at - call.agent_answered_at > (TALK_MS + HOLD_MS) / 1000
    assert lab.ticket_calls() == [call.call_id]
    held = while_held(heard)
    assert len(held) * WINDOW / RATE_HZ == pytest.approx(HOLD_MS / 1000, abs=LATE_S)
    assert sum(level(window) > MUSIC_LEVEL for window in held) > 0.8 * len(held)


async def call_with_ear(lab: House, city: str, script: CallerScript) -> tuple[RunResult, list[int]]:
    """Place a call; gives how it went and what the caller heard, in samples."""
    [caller] = some_callers(lab.plan, CityId(city), 1)
    source = lab.plan.topology.cities[CityId(city)].trunk_groups[0].source
    async with ears(source, [True]) as (found, [address]):
        callers = (replace(caller, ear=address),)
        result = await asyncio.to_thread(lab.call, city, script, callers=callers)
        packets = (maybe_packet(raw) for raw in found.opened[address].datagrams if not is_rtcp(raw))
        return result, decode(b"".join(packet.payload for packet in packets if packet is not None))


def while_held(samples: list[int]) -> list[list[int]]:
    """Give the tenths of a second without the agent's tone, between the first and the last with it."""
    windows = [samples[at : at + WINDOW] for at in range(0, len(samples) - WINDOW + 1, WINDOW)]
    heard = [amplitude(window, AGENT_HZ) >= TONE_AMPLITUDE for window in windows]
    first, last = heard.index(True), len(heard) - heard[::-1].index(True)
    return [window for window, is_heard in zip(windows[first:last], heard[first:last], strict=True) if not is_heard]
