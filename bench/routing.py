"""The matcher over whole days, beside `app_queue` at its best and the bounds that no policy passes.

Three days (a normal one, a storm, a night; bench/data), each with many courses of chance; every policy meets the same
callers. First the set-ups of `app_queue` are searched on courses of their own (`TUNING_SEED` and following), then
those that no other beats are measured beside the matcher, the pooled bound and the ceiling on the courses that count.

The rival is the set-up with the most calls answered in the own dialect at no lower 20 s level than the matcher's, or,
where no set-up reaches that level, the one that comes nearest. It has to keep what the matcher has to keep: the 95th
percentile of the wait in the worst-off dialect at most 2.5 times the best-off one's. What the rival would be without
that is told, too (`open_rival`).
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from typing import Final

from bench.queue_setup import QueueSetup
from bench.result import BenchResult, Figure, figure, versions_of
from bench.routing_measures import Measures, gap_closed
from bench.routing_rivals import COMMON, FAIR_RATIO, PLAIN, SEARCHED, rival_of, worth_keeping
from bench.routing_simulate import Reference, Subject, measure_all
from bench.world.model import DayPlan
from tieline.model import MANDARIN

TUNING_SEED: Final = 10_000
"""Courses from here on are for tuning and searching, those from 0 on for what is told."""

SEARCH_COURSES: Final = 1
GAP_GOALS: Final = {"normal": 0.65, "storm": 0.75}
SOON_GOAL: Final = 0.06
"""How far the 20 s level of a normal day may be under the pooled bound."""
PEAK_GOAL: Final = 0.20
"""How much more is answered in the own dialect at a storm's peak than by the common set-up."""

Say = Callable[[str], None]
Found = Mapping[Subject, Measures]


def run(
    plans: Sequence[DayPlan], *, seeds: int, pool: Executor, say: Say, setups: Sequence[QueueSetup] = SEARCHED
) -> tuple[BenchResult, Mapping[str, Found]]:
    """Measure everything.

    Args:
        plans: The days.
        seeds: Courses of each.
        pool: Where days are simulated.
        say: Tells what is being done.
        setups: Of `app_queue` that are searched.

    Returns:
        The figures, and by day what all was measured, for a picture.
    """
    figures: dict[str, Figure] = {}
    found: dict[str, Found] = {}
    for plan in plans:
        kept = _search(plan, setups, pool, say)
        say(f"{plan.id}: {seeds} courses of the matcher, the bounds and {len(kept)} set-ups")
        found[plan.id] = measure_all(plan, [*Reference, *kept], range(seeds), pool)
        figures |= {f"{plan.id}_{name}": each for name, each in figures_of(plan.id, found[plan.id]).items()}
    return BenchResult("routing", figures, versions_of(["numpy"])), found


def _search(plan: DayPlan, setups: Sequence[QueueSetup], pool: Executor, say: Say) -> Sequence[QueueSetup]:
    say(f"{plan.id}: searching {len(setups)} set-ups of app_queue")
    tuning = range(TUNING_SEED, TUNING_SEED + SEARCH_COURSES)
    tried = measure_all(plan, setups, tuning, pool)
    kept = worth_keeping({setup: tried[setup] for setup in setups})
    return [*dict.fromkeys([PLAIN, COMMON, *kept])]


def figures_of(day: str, found: Found) -> dict[str, Figure]:
    """Make the figures of a day, those with a goal first."""
    queues = {subject: measures for subject, measures in found.items() if isinstance(subject, QueueSetup)}
    fair = {setup: measures for setup, measures in queues.items() if measures.p95_ratio <= FAIR_RATIO}
    matcher = found[Reference.MATCHER]
    rival, open_rival = rival_of(matcher.soon, fair or queues), rival_of(matcher.soon, queues)
    told = {
        "matcher": matcher,
        "rival": queues[rival],
        "open_rival": queues[open_rival],
        "common": queues[COMMON],
        "plain": queues[PLAIN],
        "pooled": found[Reference.POOLED],
        "ceiling": found[Reference.CEILING],
    }
    figures = _judged(day, told)
    for name, measures in told.items():
        figures |= {f"{name}_{each}": value for each, value in _told(measures).items()}
    for setup, measures in queues.items():
        figures[f"curve_{setup.name}_own"] = figure(measures.own, "ratio", better="higher")
        figures[f"curve_{setup.name}_soon"] = figure(measures.soon, "ratio", better="higher")
        figures[f"curve_{setup.name}_p95_ratio"] = figure(measures.p95_ratio, "ratio")
    return figures


def _judged(day: str, told: Mapping[str, Measures]) -> dict[str, Figure]:
    matcher, rival, ceiling = told["matcher"], told["rival"], told["ceiling"]
    closed = {
        name: gap_closed(matcher.own, told[name].own, ceiling.own) for name in ("rival", "open_rival", "common")
    }
    has_goals = day in GAP_GOALS
    figures = {
        "gap_closed": figure(closed["rival"], "ratio", goal=GAP_GOALS.get(day), better="higher"),
        "gap_closed_open_rival": figure(closed["open_rival"], "ratio", better="higher"),
        "gap_closed_common": figure(closed["common"], "ratio", better="higher"),
        "answered_over_rival": figure(
            matcher.answered - rival.answered, "ratio", goal=0 if has_goals else None, better="higher"
        ),
        "p95_ratio": figure(matcher.p95_ratio, "ratio", goal=FAIR_RATIO if has_goals else None),
        "soon_under_pooled": figure(
            told["pooled"].soon - matcher.soon, "ratio", goal=SOON_GOAL if day == "normal" else None
        ),
    }
    if day == "storm":
        more = matcher.peak_own - told["common"].peak_own
        figures["peak_own_over_common"] = figure(more, "ratio", goal=PEAK_GOAL, better="higher")
    return figures


def _told(measures: Measures) -> dict[str, Figure]:
    """All measures of one policy."""
    high = ("own", "soon", "right_soon", "answered", "peak_own", "peak_soon")
    low = ("stuck", "spread", "p95_ratio", "crossed")
    return {
        **{name: figure(getattr(measures, name), "ratio", better="higher") for name in high},
        "abandoned": figure(1 - measures.answered, "ratio"),
        **{name: figure(getattr(measures, name), "ratio") for name in low},
        "mean_s": figure(measures.mean_s, "s"),
        "p95_s": figure(measures.p95_s, "s"),
        **{
            f"own_{dialect}": figure(share, "ratio", better="higher")
            for dialect, share in measures.own_by_dialect.items()
            if dialect != MANDARIN
        },
    }
