"""One policy on one course of a day, and many of them on all processors."""

from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from bench.queue_setup import QueueSetup
from bench.routing_matcher import MatcherPolicy
from bench.routing_measures import Measures, Outcome, measure
from bench.routing_pool import PoolPolicy, only_dialects, universal
from bench.routing_queue import QueuePolicy
from bench.world.arrivals import make_day
from bench.world.files import load_world
from bench.world.floor import Floor
from bench.world.model import DayPlan
from routing.ladder_file import load_ladders
from routing.ladders import LadderSet


class Reference(StrEnum):
    """What is measured besides the set-ups of `app_queue`."""

    MATCHER = "matcher"
    """The product, with the ladders that ship."""
    POOLED = "pooled"
    """Universal agents, one queue: the bound."""
    CEILING = "ceiling"
    """Only callers of dialects, only speakers: the most that can be answered in the own dialect."""


Subject = Reference | QueueSetup


@dataclass(frozen=True, slots=True)
class Task:
    """One policy on one course."""

    subject: Subject
    plan: DayPlan
    seed: int


def simulate(task: Task) -> Outcome:
    """Let a day happen."""
    world = load_world_once()
    day = make_day(world, task.plan, task.seed)
    if task.subject is Reference.POOLED:
        floor = Floor(universal(world), day)
        return Outcome.of(floor.run(PoolPolicy(floor)))
    if task.subject is Reference.CEILING:
        floor = Floor(world, only_dialects(day))
        return Outcome.of(floor.run(PoolPolicy(floor)))
    floor = Floor(world, day)
    if isinstance(task.subject, QueueSetup):
        return Outcome.of(floor.run(QueuePolicy(floor, task.subject)))
    return Outcome.of(floor.run(MatcherPolicy(floor, _shipped_ladders())))


load_world_once = cache(load_world)


@cache
def _shipped_ladders() -> LadderSet:
    world = load_world_once()
    return load_ladders(world.topology, world.agents)


def measure_all(
    plan: DayPlan, subjects: Sequence[Subject], seeds: Sequence[int], pool: Executor
) -> Mapping[Subject, Measures]:
    """Measure several policies on the same courses of a day."""
    tasks = [Task(subject, plan, seed) for subject in subjects for seed in seeds]
    outcomes = list(pool.map(simulate, tasks))
    return {
        subject: measure(outcomes[number * len(seeds) : (number + 1) * len(seeds)])
        for number, subject in enumerate(subjects)
    }
