"""What callers heard, judged against what was planned and recorded. Pure but for reading recordings."""

import array
import sys
import wave
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from crm_adapter.record import CallRecord
from lab.books import Difference
from lab.ear import PACKET_S, Heard
from lab.mix import AGENT_TALKS_MS, HEARS_MENU_MS, TALKS, Ends, Planned
from lab.tones import AGENT_HZ, CALLER_HZ, seconds_with

MENU_S: Final = HEARS_MENU_MS / 1000 - 0.2
"""So long the menu speaks for sure before a key cuts it, seconds."""

_SPEECH_S: Final = 0.5
_TOLERANCE_S: Final = 0.4
_SHARE: Final = 0.8
_MISSING_SHARE: Final = 0.01
"""Of a call's packets; more is heard: a stalled machine drops some."""
_RECORDED_AMPLITUDE: Final = 1500.0
"""A mixed recording holds both sides, so each may be quieter than it was sent."""
_SOUNDING_SHARE: Final = 0.5
"""Asterisk sends nothing while it waits for a key after the prompt, or while the agent's phone rings."""


class Sound(msgspec.Struct, frozen=True, kw_only=True):
    """What all ears heard together.

    Attributes:
        counted: Calls whose packets were counted.
        packets: That arrived at the callers.
        decoded: Calls whose sound was decoded and measured.
        missing: Packets that the decoded calls lack.
        speech_s, agent_s: Shortest speech in a menu, and shortest tone of an agent in a talk.
        recordings: Recordings in which both sides were found.
    """

    counted: int
    packets: int
    decoded: int
    missing: int
    speech_s: float
    agent_s: float
    recordings: int
    differences: tuple[Difference, ...]


@dataclass(frozen=True, slots=True)
class Listened:
    """One call with an ear. `heard` is None for a deaf one, `record` for a call that no site knows."""

    planned: Planned
    packets: int
    heard: Heard | None
    record: CallRecord | None


def judge(calls: Sequence[Listened], recordings: Mapping[str, tuple[float, float]]) -> Sound:
    """Judge what the callers heard.

    Args:
        calls: Those with an ear.
        recordings: Seconds of the caller's and of the agent's tone, by file name, of the decoded talks.
    """
    found: list[Difference] = []
    decoded = [call for call in calls if call.heard is not None]
    for call in calls:
        name = call.record.call_id if call.record else call.planned.number
        found += (Difference(name, what) for what in (*_too_quiet(call), *_misheard(call)))
        if call.heard is not None and call.record is not None and call.planned.ends in TALKS:
            found += (Difference(name, what) for what in _misrecorded(call.record, recordings))
    talks = [call.heard.agent_s for call in decoded if call.heard and call.planned.ends in TALKS]
    return Sound(
        counted=len(calls),
        packets=sum(call.packets for call in calls),
        decoded=len(decoded),
        missing=sum(call.heard.missing for call in decoded if call.heard),
        speech_s=min((call.heard.speech_s for call in decoded if call.heard), default=0.0),
        agent_s=min(talks, default=0.0),
        recordings=len(recordings),
        differences=tuple(sorted(found)),
    )


def _too_quiet(call: Listened) -> list[str]:
    record = call.record
    if record is None or not record.answered_at:
        return []
    least = _SOUNDING_SHARE * (record.hangup_at - record.answered_at) / PACKET_S
    return (
        [f"{call.planned.ends}: {call.packets} packets heard, at least {least:.0f}"] if call.packets < least else []
    )


def _misheard(call: Listened) -> list[str]:
    heard = call.heard
    if heard is None:
        return []
    faults: list[str] = []
    if heard.missing > _MISSING_SHARE * heard.packets or heard.foreign:
        faults.append(f"{heard.missing} packets missing, {heard.foreign} foreign")
    if heard.speech_s < _SPEECH_S:
        faults.append(f"{heard.speech_s} s of speech in the menu")
    if heard.own_s > _TOLERANCE_S:
        faults.append(f"heard a caller's tone for {heard.own_s} s")
    least = talked_s(call.planned, call.record) * _SHARE - _TOLERANCE_S
    if call.planned.ends in TALKS and heard.agent_s < least:
        faults.append(f"agent heard for {heard.agent_s} s, at least {least:.1f}")
    if call.planned.ends not in TALKS and heard.agent_s > _TOLERANCE_S:
        faults.append(f"an agent heard for {heard.agent_s} s in a call without talk")
    return [f"{call.planned.ends}: {fault}" for fault in faults]


def talked_s(planned: Planned, record: CallRecord | None) -> float:
    """Give how long caller and agent talked at least, seconds; ordinary agents hang up by themselves."""
    if record is None or not record.agent_answered_at:
        return 0.0
    whole = record.hangup_at - record.agent_answered_at
    return whole if planned.ends is Ends.HOLDER else min(whole, AGENT_TALKS_MS / 1000)


def _misrecorded(record: CallRecord, recordings: Mapping[str, tuple[float, float]]) -> list[str]:
    if record.recording not in recordings:
        return ["its recording is missing"]
    whole = record.hangup_at - record.agent_answered_at
    least = min(whole, AGENT_TALKS_MS / 1000) * _SHARE - _TOLERANCE_S
    sides = zip(("caller", "agent"), recordings[record.recording], strict=True)
    return [f"{side} in the recording for {had:.1f} s, at least {least:.1f}" for side, had in sides if had < least]


def both_sides(path: Path) -> tuple[float, float]:
    """Measure how long the caller's and the agent's tone are in a recording, seconds."""
    with wave.open(str(path)) as file:
        samples = array.array("h", file.readframes(file.getnframes()))
    if sys.byteorder == "big":
        samples.byteswap()
    heard = list(samples)
    return (
        seconds_with(heard, CALLER_HZ, at_least=_RECORDED_AMPLITUDE),
        seconds_with(heard, AGENT_HZ, at_least=_RECORDED_AMPLITUDE),
    )
