"""Does a city call more than usual? Calm, rising or surge, with hysteresis. Pure.

A state begins as soon as the calls of the window reach its `enter` times the usual; it gives way to the next lower
one when they have stayed below its `leave` for `calm_after_s`. Callers try again and again: the window breathes, and
without the wait a message would come and go with it.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import msgspec

SLOT_S: Final = 10
"""Calls are counted in slots: the window is right to so many seconds."""


class State(StrEnum):
    """How a city calls."""

    CALM = "calm"
    RISING = "rising"
    SURGE = "surge"


@dataclass(frozen=True, slots=True)
class Level:
    """Where a state begins and ends, in times the usual."""

    enter: float
    leave: float


@dataclass(frozen=True, slots=True)
class Thresholds:
    """When states change; see `data/surge.toml`.

    Attributes:
        window_s: Calls are counted over so many seconds.
        calm_after_s: So long they must be few before a state gives way.
    """

    window_s: int
    calm_after_s: int
    rising: Level
    surge: Level


class Watch(msgspec.Struct, frozen=True, kw_only=True):
    """What is remembered of one city; it outlives a restart as JSON.

    Attributes:
        since: When the state began, Unix seconds.
        few_since: Since when calls have been below the state's `leave`, Unix seconds; 0 when they are not.
        slots: Slot number and calls in it, oldest first.
    """

    state: State = State.CALM
    since: float = 0.0
    few_since: float = 0.0
    slots: tuple[tuple[int, int], ...] = ()


def arrived(watch: Watch, at: float) -> Watch:
    """Count a call; one that is told late goes into the newest slot."""
    slot = int(at // SLOT_S)
    if watch.slots and watch.slots[-1][0] >= slot:
        newest, calls = watch.slots[-1]
        return msgspec.structs.replace(watch, slots=(*watch.slots[:-1], (newest, calls + 1)))
    return msgspec.structs.replace(watch, slots=(*watch.slots, (slot, 1)))


def calls_in_window(watch: Watch) -> int:
    """Count the calls that `judged` left in the window, and those since."""
    return sum(calls for _, calls in watch.slots)


def judged(watch: Watch, usual: float, now: float, thresholds: Thresholds) -> Watch:
    """Drop what has left the window, and give the state its due.

    Args:
        watch: The city.
        usual: Calls that are usual in the window, above 0.
        now: Unix seconds.
        thresholds: When states change.
    """
    oldest = (now - thresholds.window_s) // SLOT_S
    if watch.slots and watch.slots[0][0] <= oldest:
        watch = msgspec.structs.replace(watch, slots=tuple(slot for slot in watch.slots if slot[0] > oldest))
    times = calls_in_window(watch) / usual
    risen = _risen(watch.state, times, thresholds)
    if risen is not watch.state:
        return msgspec.structs.replace(watch, state=risen, since=now, few_since=0.0)
    return _maybe_lower(watch, times, now, thresholds)


def _risen(state: State, times: float, thresholds: Thresholds) -> State:
    if times >= thresholds.surge.enter:
        return State.SURGE
    if state is State.CALM and times >= thresholds.rising.enter:
        return State.RISING
    return state


def _maybe_lower(watch: Watch, times: float, now: float, thresholds: Thresholds) -> Watch:
    level, lower = (thresholds.surge, State.RISING) if watch.state is State.SURGE else (thresholds.rising, State.CALM)
    if watch.state is State.CALM or times >= level.leave:
        return watch if not watch.few_since else msgspec.structs.replace(watch, few_since=0.0)
    few_since = watch.few_since or now
    if now - few_since >= thresholds.calm_after_s:
        return msgspec.structs.replace(watch, state=lower, since=now, few_since=0.0)
    return watch if watch.few_since else msgspec.structs.replace(watch, few_since=few_since)
