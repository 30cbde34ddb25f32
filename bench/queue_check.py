"""The model of `app_queue` beside the real one: the same trace, the same set-ups, what became of the calls.

A plain set-up and one with weight. Both see the times at which the calls came to the real one. Goal: no share differs
by more than two points.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from bench.queue_real import real
from bench.queue_trace import OPEN_S, Shares, make_trace, modelled, shares
from bench.result import BenchResult, Figure, figure, versions_of
from bench.routing_queue import QueueSetup, Reach
from bench.world.files import load_world

SETUPS: Final = {
    "plain": QueueSetup(Reach.BOTH, OPEN_S),
    "weight": QueueSetup(Reach.BOTH, OPEN_S, weighted=True),
}
RATE_PER_S: Final = 2.4
"""24 agents, talks of 9 s: as busy as they can be."""
DIFFERENCE_GOAL: Final = 0.02

Say = Callable[[str], None]


def run(root: Path, *, calls: int, seed: int, say: Say) -> BenchResult:
    """Run the trace through both; takes the trace's time for each set-up.

    Args:
        root: The private root.
        calls: Length of the trace.
        seed: Of the trace.
        say: Tells what is being done.

    Raises:
        LabError: Asterisk cannot be run.
    """
    world = load_world()
    trace = make_trace(calls, RATE_PER_S, seed)
    figures: dict[str, Figure] = {}
    for name, setup in SETUPS.items():
        say(f"{name}: {calls} calls, {trace.calls[-1][0]:.0f} s")
        as_it_was, answers = real(trace, setup, world.callers.mismatch, root)
        found = shares(as_it_was, answers)
        figures |= {
            f"{name}_{what}": each
            for what, each in _beside(found, shares(as_it_was, modelled(as_it_was, setup, world))).items()
        }
    return BenchResult("app-queue", figures, versions_of(["numpy"]))


def _beside(found: Shares, model: Shares) -> dict[str, Figure]:
    figures: dict[str, Figure] = {}
    for name in ("answered", "soon", "own"):
        here, there = getattr(found, name), getattr(model, name)
        figures[f"{name}_difference"] = figure(abs(here - there), "ratio", goal=DIFFERENCE_GOAL)
        figures[f"{name}_real"] = figure(here, "ratio", better="higher")
        figures[f"{name}_model"] = figure(there, "ratio", better="higher")
    return figures
