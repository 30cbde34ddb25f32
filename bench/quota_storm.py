"""Calls of a storm in simulated time: who is admitted under a set of quotas. Pure; one seed, one course.

Callers of a city come as a Poisson stream. Whoever is admitted holds a line for an exponential time. Whoever is
refused hears the message if fewer than eight are being told just now, else nothing, and may try again: so the stream
of a city in surge grows by its own refusals. Messages take no lines.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush, heapreplace
from math import log
from random import Random
from typing import Final

from tieline.model import CityId
from trunk_config.held_lines import HeldLines
from trunk_config.quota import LINES_AT_MOST, Allowances, SiteQuotas

_END, _TOLD, _FIRST, _AGAIN, _ALONE_END = range(5)
"""Kinds of event: a call ends, a message ends, somebody calls, somebody tries again, a call ends in the group of
lines that a city would have if its reserve were all (see `Course.calls_refused_alone`)."""

MESSAGES_AT_ONCE: Final = Allowances().messages


@dataclass(frozen=True, slots=True)
class Callers:
    """How callers behave. That they try again, how often and when, is assumed: no source tells it of a power utility.

    Attributes:
        loads: Offered load of first tries by city, Erlang.
        holding_s: Mean time on a line.
        message_s: Length of the refusal's message.
        again_share: Share of the refused who try again, each time.
        again_after_s: Mean time until then.
    """

    loads: Mapping[CityId, float]
    holding_s: float = 200.0
    message_s: float = 15.0
    again_share: float = 0.7
    again_after_s: float = 60.0


@dataclass(slots=True)
class Course:
    """What was counted, by city where it says so.

    Attributes:
        calls: First tries.
        calls_refused: First tries that were refused.
        calls_refused_alone: First tries that a city would have had refused on a group of lines of its own as large as
            its reserve, the same calls with the same holding times and no further tries. What is to be expected there
            is known (Erlang B), so the difference tells how much luck is in `calls_refused`.
        tries: All tries.
        tries_refused: All tries that were refused.
        told: Refused callers who heard the message, of all cities.
        idle_most: The most lines that were idle while a city was refused.
        excess_most: The most of them that were no other city's reserve; never above 0 under the reserve rule.
    """

    calls: Counter[CityId] = field(default_factory=Counter)
    calls_refused: Counter[CityId] = field(default_factory=Counter)
    calls_refused_alone: Counter[CityId] = field(default_factory=Counter)
    tries: Counter[CityId] = field(default_factory=Counter)
    tries_refused: Counter[CityId] = field(default_factory=Counter)
    told: int = 0
    idle_most: int = 0
    excess_most: int = -LINES_AT_MOST


def simulate(quotas: SiteQuotas, callers: Callers, *, seed: int, run_in_s: float, counted_s: float) -> Course:
    """Let a storm pass from empty lines on, and count after the run-in."""
    storm = _Storm(quotas, callers, seed)
    storm.run(run_in_s)
    storm.course = Course()
    storm.run(run_in_s + counted_s)
    return storm.course


class _Storm:
    """The events to come, and the lines."""

    def __init__(self, quotas: SiteQuotas, callers: Callers, seed: int) -> None:
        self.course = Course()
        self._quotas = quotas
        self._callers = callers
        self._random = Random(seed).random  # noqa: S311 - a simulation
        self._lines = HeldLines(quotas)
        self._gaps = {city: callers.holding_s / load for city, load in callers.loads.items()}
        self._events = [(self._about(gap), _FIRST, city) for city, gap in self._gaps.items()]
        heapify(self._events)
        self._telling = 0
        self._reserves = {city: quota.reserve for city, quota in quotas.quotas.items()}
        self._alone = dict.fromkeys(self._reserves, 0)

    def run(self, until: float) -> None:
        """Let everything happen up to a time, seconds from the beginning."""
        events, lines, gaps = self._events, self._lines, self._gaps
        while events[0][0] < until:
            now, kind, city = events[0]
            if kind == _FIRST:
                heapreplace(events, (now + self._about(gaps[city]), _FIRST, city))
                self._call(now, city)
                continue
            heappop(events)
            if kind == _END:
                lines.release(city)
            elif kind == _AGAIN:
                self._try(now, city, self._about(self._callers.holding_s))
            elif kind == _TOLD:
                self._telling -= 1
            else:
                self._alone[city] -= 1

    def _call(self, now: float, city: CityId) -> None:
        """Let somebody try for the first time; in the city's group of its own, too."""
        course, holding_s = self.course, self._about(self._callers.holding_s)
        course.calls[city] += 1
        course.calls_refused[city] += self._try(now, city, holding_s)
        if self._alone[city] < self._reserves[city]:
            self._alone[city] += 1
            heappush(self._events, (now + holding_s, _ALONE_END, city))
        else:
            course.calls_refused_alone[city] += 1

    def _try(self, now: float, city: CityId, holding_s: float) -> bool:
        """Let somebody try, and tell whether he is refused."""
        course, callers = self.course, self._callers
        course.tries[city] += 1
        if self._lines.admit(city):
            heappush(self._events, (now + holding_s, _END, city))
            return False
        course.tries_refused[city] += 1
        self._look_at_idle(city)
        gone = now
        if self._telling < MESSAGES_AT_ONCE:
            self._telling += 1
            course.told += 1
            gone += callers.message_s
            heappush(self._events, (gone, _TOLD, city))
        if self._random() < callers.again_share:
            heappush(self._events, (gone + self._about(callers.again_after_s), _AGAIN, city))
        return True

    def _about(self, mean_s: float) -> float:
        """Draw an exponential time."""
        return -mean_s * log(1 - self._random())

    def _look_at_idle(self, refused: CityId) -> None:
        """Compare the idle lines with what the other cities have reserved and do not use; both counted afresh."""
        in_use = self._lines.in_use
        excess = idle = self._quotas.lines - sum(in_use.values())
        for city, quota in self._quotas.quotas.items():
            if in_use[city] < quota.reserve and city != refused:
                excess -= quota.reserve - in_use[city]
        course = self.course
        if idle > course.idle_most:
            course.idle_most = idle
        if excess > course.excess_most:
            course.excess_most = excess
