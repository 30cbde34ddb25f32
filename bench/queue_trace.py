"""A short trace for the model of `app_queue` and the real one: few agents, talks of seconds, times scaled down. Pure.

What is counted in whole seconds by app_queue (looking again, penalties, wrap-up) cannot be scaled, so both see the
same short times, and not a day made faster.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import inf
from random import Random
from typing import Final

from bench.queue_setup import QueueSetup
from bench.routing_queue import QueuePolicy
from bench.world.book import Book
from bench.world.floor import Floor
from bench.world.model import Caller, Day, DayPlan, Service, Shift, Try, World, served
from routing.agents import Agent
from tieline.model import MANDARIN, AgentId, Business, CallId, CityId, DialectId, Level, SiteId

SOON_S: Final = 4.0
"""Stands for the 20 s of the day: answered within this."""
OPEN_S: Final = 4.0
WRAP_UP_S: Final = 2
SITE: Final = SiteId("fuzhou")

_ROW: Final = ("min_dong", "mandarin", "min_dong", "puxian", "min_dong", "mandarin", "puxian", "hakka") * 3
_SHARES: Final = {"mandarin": 0.55, "min_dong": 0.25, "puxian": 0.13, "hakka": 0.07}
_TALK_S: Final = 9.0
_PATIENCE_S: Final = 12.0
_RING_S: Final = 0.3


@dataclass(frozen=True, slots=True)
class Trace:
    """Calls and the agents who may take them.

    Attributes:
        calls: With the time at which each comes, seconds.
        agents: All of them on duty all the time.
    """

    calls: Sequence[tuple[float, Try]]
    agents: Sequence[Agent]


@dataclass(frozen=True, slots=True)
class Answer:
    """A call that was answered: by whom, after how long a wait in seconds."""

    call_id: CallId
    agent: AgentId
    wait_s: float


@dataclass(frozen=True, slots=True)
class Shares:
    """Of all calls: answered, answered soon; `own` of those who asked for a dialect."""

    answered: float
    soon: float
    own: float


def make_trace(calls: int, rate_per_s: float, seed: int) -> Trace:
    """Draw a trace."""
    chance = Random(seed)  # noqa: S311 - a simulation
    at, found = 0.0, []
    for number in range(calls):
        at += chance.expovariate(rate_per_s)
        dialect = DialectId(chance.choices(list(_SHARES), list(_SHARES.values()))[0])
        caller = Caller(CityId("fuzhou"), SITE, dialect, Business.REPAIR, cannot=False, known=False)
        call = Try(
            call_id=CallId(str(number)),
            caller=caller,
            patience_s=chance.expovariate(1 / _PATIENCE_S),
            ring_s=_RING_S,
            talk_s=1 + chance.expovariate(1 / (_TALK_S - 1)),
            again=1.0,
            again_after_s=inf,
            retry_after_s=inf,
            next=None,
        )
        found.append((at, call))
    return Trace(found, [_agent(number, DialectId(name)) for number, name in enumerate(_ROW)])


def _agent(number: int, dialect: DialectId) -> Agent:
    tongues = {MANDARIN: Level.FLUENT, dialect: Level.NATIVE}
    return Agent(AgentId(f"a{100 + number}"), SITE, f"agent {number}", tongues, {Business.REPAIR: Level.FLUENT})


class _Noting(Book):
    """Keeps the answers."""

    def __init__(self, day: Day) -> None:
        super().__init__(day)
        self.answers: list[Answer] = []

    def answered(self, call: Try, agent: Agent, service: Service, came: float, now: float) -> None:
        super().answered(call, agent, service, came, now)
        self.answers.append(Answer(call.call_id, agent.id, now - came))


def modelled(trace: Trace, setup: QueueSetup, world: World) -> Sequence[Answer]:
    """Let the model of `app_queue` have the trace."""
    callers = replace(world.callers, wrap_up_s=WRAP_UP_S)
    small = replace(world, callers=callers, people={SITE: trace.agents})
    shifts = [Shift(agent.id, 0.0, inf) for agent in trace.agents]
    day = Day(DayPlan("trace", 0.0, 1.0), 0, trace.calls, shifts, inf, (0.0, 0.0))
    floor = Floor(small, day)
    book = floor.book = _Noting(day)
    floor.run(QueuePolicy(floor, setup))
    return book.answers


def shares(trace: Trace, answers: Iterable[Answer]) -> Shares:
    """Count what became of a trace."""
    calls = {call.call_id: call for _, call in trace.calls}
    agents = {agent.id: agent for agent in trace.agents}
    wanting = sum(call.caller.wants_dialect for call in calls.values())
    answered = soon = own = 0
    for answer in answers:
        caller = calls[answer.call_id].caller
        answered += 1
        soon += answer.wait_s <= SOON_S
        own += caller.wants_dialect and served(caller.dialect, agents[answer.agent]) is Service.OWN
    return Shares(answered / len(calls), soon / len(calls), own / wanting)
