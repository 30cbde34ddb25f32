"""The bench of routing: rivals, gaps, goals, and a small run of all of it."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from bench import routing
from bench.queue_setup import QueueSetup, Reach
from bench.routing_measures import Measures, gap_closed
from bench.routing_plot import draw
from bench.routing_rivals import COMMON, PLAIN, SEARCHED, rival_of, worth_keeping
from bench.routing_simulate import Reference, Subject, Task, simulate
from bench.world.files import load_world

pytestmark = pytest.mark.unit

NONE = Measures(
    own=0.0, soon=0.0, right_soon=0.0, answered=0.0, stuck=0.0, mean_s=0.0, p95_s=0.0, p95_ratio=1.0, spread=0.0,
    crossed=0.0, peak_own=0.0, peak_soon=0.0, own_by_dialect={},
)  # fmt: skip
A, B, C = (QueueSetup(Reach.BOTH, open_s) for open_s in (30.0, 60.0, 90.0))


def test_what_is_searched() -> None:
    assert len(set(SEARCHED)) == len(SEARCHED) == 66
    assert {PLAIN, COMMON} < set(SEARCHED)


def test_the_rival_has_no_lower_level_or_comes_nearest() -> None:
    found = {
        A: replace(NONE, own=0.6, soon=0.9),
        B: replace(NONE, own=0.7, soon=0.8),
        C: replace(NONE, own=0.8, soon=0.7),
    }
    assert rival_of(0.75, found) == B
    assert rival_of(0.7, found) == C
    assert rival_of(0.95, found) == A


def test_what_others_beat_is_not_measured_again() -> None:
    found = {
        A: replace(NONE, own=0.6, soon=0.9),
        B: replace(NONE, own=0.7, soon=0.95, p95_ratio=9.0),
        C: replace(NONE, own=0.5, soon=0.8),
    }
    assert worth_keeping(found) == [A, B]  # B beats A, but unfairly


def told(own: float, soon: float, answered: float, ratio: float = 2.0, peak: float = 0.5) -> Measures:
    return replace(NONE, own=own, soon=soon, answered=answered, p95_ratio=ratio, peak_own=peak)


def test_goals_of_a_day() -> None:
    found: dict[Subject, Measures] = {
        Reference.MATCHER: told(0.8, 0.9, 0.97, ratio=2.4, peak=0.75),
        Reference.POOLED: told(0.99, 0.95, 0.99),
        Reference.CEILING: told(0.9, 0.9, 0.9),
        PLAIN: told(0.5, 0.7, 0.9),
        COMMON: told(0.6, 0.85, 0.96, peak=0.5),
        A: told(0.85, 0.89, 0.95, ratio=9.0),
    }
    normal, storm = routing.figures_of("normal", found), routing.figures_of("storm", found)
    assert normal["gap_closed"].value == pytest.approx(gap_closed(0.8, 0.6, 0.9))
    assert normal["gap_closed_open_rival"].value == pytest.approx(gap_closed(0.8, 0.85, 0.9))
    goals = {name: (each.goal, each.met) for name, each in normal.items() if each.goal is not None}
    assert goals == {
        "gap_closed": (0.65, True),
        "answered_over_rival": (0, True),
        "p95_ratio": (2.5, True),
        "soon_under_pooled": (0.06, True),
    }
    goals = {name: (each.goal, each.met) for name, each in storm.items() if each.goal is not None}
    assert goals == {
        "gap_closed": (0.75, False),
        "answered_over_rival": (0, True),
        "p95_ratio": (2.5, True),
        "peak_own_over_common": (0.2, True),
    }
    assert all(each.goal is None for each in routing.figures_of("night", found).values())


def test_a_small_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One course of half an hour each; the first calls of an empty centre, so no goal is asked for."""
    monkeypatch.setattr(routing, "SEARCH_COURSES", 1)
    world = load_world()
    plans = [replace(world.days[day], from_hour=15.0, to_hour=15.5) for day in ("normal", "storm")]
    said: list[str] = []
    with ThreadPoolExecutor(1) as pool:
        result, found = routing.run(plans, seeds=1, pool=pool, say=said.append, setups=[PLAIN, COMMON])
    assert len(said) == 4
    own = {name: result.figures[f"normal_{name}_own"].value for name in ("matcher", "pooled", "ceiling")}
    assert 0.4 < own["matcher"] < own["ceiling"] < own["pooled"]
    assert result.figures["storm_matcher_answered"].value < result.figures["normal_matcher_answered"].value
    picture = tmp_path / "curve.png"
    draw(found, picture)
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_every_policy_meets_the_same_callers() -> None:
    """But for who comes again, and who hangs up at once: that depends on how he is served."""
    plan = replace(load_world().days["normal"], from_hour=10.0, to_hour=10.5)
    subjects = (Reference.MATCHER, Reference.POOLED, COMMON)
    matcher, pooled, common = (simulate(Task(subject, plan, 3)).whole.offered for subject in subjects)
    assert matcher == pytest.approx(pooled, rel=0.08)
    assert common == pytest.approx(pooled, rel=0.08)
