"""How many are on duty, and who: a roster from the forecast of first tries, half-hour by half-hour. Pure."""

from collections.abc import Iterator, Sequence
from math import exp, inf
from typing import Final

from bench.world.model import HALF_HOUR_S, HOUR_S, DayPlan, Shift, Staffing
from routing.agents import Agent
from trunk_config.erlang import loss_of

MOST_AGENTS: Final = 1000


def answered_within(load_erlang: float, agents: int, *, within_s: float, handle_s: float) -> float:
    """Give the share of callers of one pool who are answered within a time, nobody hanging up (Erlang C).

    >>> round(answered_within(20, 25, within_s=20, handle_s=180), 2)
    0.88
    """
    if load_erlang >= agents:
        return 0.0
    loss = loss_of(load_erlang, agents)
    waits = loss / (1 - load_erlang / agents * (1 - loss))
    return 1 - waits * exp(-(agents - load_erlang) * within_s / handle_s)


def agents_for(load_erlang: float, staffing: Staffing) -> int:
    """Give the fewest agents who keep the level, and never fewer than the least."""
    agents = staffing.least
    while agents < MOST_AGENTS and (
        answered_within(load_erlang, agents, within_s=staffing.within_s, handle_s=staffing.handle_s)
        < staffing.answered
    ):
        agents += 1
    return agents


def heads(calls_per_hour: Sequence[float], day: DayPlan, staffing: Staffing, people: int) -> Iterator[int]:
    """Give how many of a site are on duty in each half-hour of a day.

    Args:
        calls_per_hour: Forecast of first tries in each half-hour, without surges: nobody foresees these.
        day: When people are called in, and how much larger its roster is.
        staffing: The level to keep.
        people: The site's seats.
    """
    for half, calls in enumerate(calls_per_hour):
        hour = day.from_hour + half / 2
        load = calls * staffing.allowance / HOUR_S * staffing.handle_s
        needed = round(agents_for(load, staffing) * day.factor)
        if day.called_in_from_hour <= hour < day.called_in_to_hour:
            needed = max(needed, day.called_in)
        yield min(needed, people)


def shifts(heads_by_half_hour: Sequence[int], row: Sequence[Agent], start: float) -> list[Shift]:
    """Say who is on duty when: new people come from the front of the row, who came first goes first.

    Args:
        heads_by_half_hour: How many, from `start` on.
        row: The site's people, tongues evenly mixed; after the last comes the first again.
        start: Seconds from midnight.
    """
    on_duty: list[tuple[int, float]] = []
    found: list[Shift] = []
    place = 0
    for half, needed in enumerate(heads_by_half_hour):
        now = start + half * HALF_HOUR_S
        while len(on_duty) > needed:
            who, since = on_duty.pop(0)
            found.append(Shift(row[who].id, since, now))
        while len(on_duty) < needed:
            on_duty.append((place % len(row), now))
            place += 1
    return found + [Shift(row[who].id, since, inf) for who, since in on_duty]
