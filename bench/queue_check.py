"""The model of `app_queue` beside the real one: the same traces, the same set-ups, what became of the calls.

A plain set-up and one with weight. Both see the times at which the calls came to the real one. Goal: no share differs
by more than two points.

One run says little: once one look falls a few milliseconds differently, the rest of a trace goes another way, for the
real one as well. So several traces are played at once, each by two Asterisks; shares are means over all of them, and
how much the two differ (`itself`) and the standard error of the difference to the model (`error`) are told.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from math import sqrt
from pathlib import Path
from statistics import mean, stdev
from typing import Final

from bench.queue_real import real
from bench.queue_setup import QueueSetup, Reach
from bench.queue_trace import OPEN_S, Shares, Trace, make_trace, modelled, shares
from bench.result import BenchResult, Figure, figure, versions_of
from bench.world.files import load_world
from bench.world.model import World

SETUPS: Final = {
    "plain": QueueSetup(Reach.BOTH, OPEN_S),
    "weight": QueueSetup(Reach.BOTH, OPEN_S, weighted=True),
}
RATE_PER_S: Final = 2.4
"""24 agents, talks of 9 s: as busy as they can be."""
DIFFERENCE_GOAL: Final = 0.02

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Run:
    """One trace once through the real one, and with the same times through the model."""

    real: Shares
    model: Shares


def run(root: Path, *, calls: int, traces: int, seed: int, say: Say) -> BenchResult:
    """Run the traces through both; takes the time of one trace for each set-up.

    Args:
        root: The private root.
        calls: Length of a trace.
        traces: How many; twice as many Asterisks run at once.
        seed: Of the first trace.
        say: Tells what is being done.

    Raises:
        LabError: Asterisk cannot be run.
    """
    world = load_world()
    drawn = [make_trace(calls, RATE_PER_S, seed + number) for number in range(traces)]
    figures: dict[str, Figure] = {}
    for name, setup in SETUPS.items():
        say(f"{name}: {traces} traces of {calls} calls, twice each, {max(each.calls[-1][0] for each in drawn):.0f} s")
        with ThreadPoolExecutor(2 * traces) as pool:
            play = partial(_play, setup=setup, world=world, root=root)
            runs = list(pool.map(play, [trace for trace in drawn for _ in range(2)]))
        figures |= {f"{name}_{what}": each for what, each in figures_of(runs).items()}
    return BenchResult("app-queue", figures, versions_of(["numpy"]))


def _play(trace: Trace, *, setup: QueueSetup, world: World, root: Path) -> Run:
    as_it_was, answers = real(trace, setup, world.callers.mismatch, root)
    return Run(shares(as_it_was, answers), shares(as_it_was, modelled(as_it_was, setup, world)))


def figures_of(runs: Sequence[Run]) -> dict[str, Figure]:
    """Make the figures of a set-up out of its runs, the two of each trace side by side. Pure."""
    figures: dict[str, Figure] = {}
    for name in ("answered", "soon", "own"):
        here = [getattr(each.real, name) for each in runs]
        there = [getattr(each.model, name) for each in runs]
        apart = [one - other for one, other in zip(here, there, strict=True)]
        twice = [one - other for one, other in zip(here[::2], here[1::2], strict=True)]
        figures[f"{name}_difference"] = figure(abs(mean(apart)), "ratio", goal=DIFFERENCE_GOAL)
        figures[f"{name}_error"] = figure(stdev(apart) / sqrt(len(apart)), "ratio")
        figures[f"{name}_itself"] = figure(sqrt(mean(each**2 for each in twice)), "ratio")
        figures[f"{name}_real"] = figure(mean(here), "ratio", better="higher")
        figures[f"{name}_model"] = figure(mean(there), "ratio", better="higher")
    return figures
