"""The simulated storm, against what theory knows, and the figures that the bench makes of it."""

import random

import pytest

from bench import quota
from bench.quota import luck_free
from bench.quota_storm import MESSAGES_AT_ONCE, Callers, Course, simulate
from tieline.model import CityId, SiteId
from trunk_config.erlang import loss_of
from trunk_config.quota import Quota, SiteQuotas
from trunk_config.site_loss import site_loss

pytestmark = pytest.mark.unit

A, B = CityId("a"), CityId("b")
HOUR_S = 3600.0


def _site(lines: int, a: Quota, b: Quota) -> SiteQuotas:
    return SiteQuotas(SiteId("s"), lines, {A: a, B: b}, {A: lines, B: lines})


def _course(quotas: SiteQuotas, callers: Callers, hours: float = 100, seed: int = 1) -> Course:
    return simulate(quotas, callers, seed=seed, run_in_s=HOUR_S, counted_s=hours * HOUR_S)


def test_without_further_tries_it_is_what_theory_says() -> None:
    site = _site(30, Quota(6, 30), Quota(4, 20))
    loads = {A: 20.0, B: 5.0}
    course, expected = _course(site, Callers(loads, again_share=0.0), hours=400), site_loss(site, loads)
    assert course.tries == course.calls
    for city in loads:
        assert course.calls[city] / (400 * 18) == pytest.approx(loads[city], rel=0.03)
        assert course.calls_refused[city] / course.calls[city] == pytest.approx(expected[city], rel=0.1)
        alone = loss_of(loads[city], site.quotas[city].reserve)
        assert course.calls_refused_alone[city] / course.calls[city] == pytest.approx(alone, rel=0.05)


def test_the_same_seed_is_the_same_course() -> None:
    site, callers = _site(10, Quota(2, 10), Quota(2, 10)), Callers({A: 20.0, B: 1.0})
    assert _course(site, callers, hours=2) == _course(site, callers, hours=2)
    assert _course(site, callers, hours=2) != _course(site, callers, hours=2, seed=2)


def test_who_is_refused_tries_again() -> None:
    """With share p each try that fails makes p more: tries = calls / (1 - p · loss)."""
    site = _site(10, Quota(0, 10), Quota(0, 10))
    course = _course(site, Callers({A: 30.0, B: 1.0}, again_share=0.6))
    loss = course.tries_refused[A] / course.tries[A]
    assert course.tries[A] == pytest.approx(course.calls[A] / (1 - 0.6 * loss), rel=0.02)


def test_messages_are_rationed_and_take_no_lines() -> None:
    site = _site(2, Quota(0, 2), Quota(0, 2))
    for_ever = Callers({A: 50.0, B: 1.0}, message_s=1e9)
    assert simulate(site, for_ever, seed=1, run_in_s=0, counted_s=HOUR_S).told == MESSAGES_AT_ONCE
    short = _course(site, Callers({A: 50.0, B: 1.0}, message_s=1e-6), hours=1)
    assert short.told == short.tries_refused.total()


def test_idle_lines_at_a_refusal_are_the_reserves_of_others() -> None:
    callers = Callers({A: 60.0, B: 0.5})
    kept = _course(_site(20, Quota(5, 20), Quota(6, 20)), callers, hours=10)
    assert kept.idle_most == 6
    assert kept.excess_most == 0
    capped = _course(_site(20, Quota(0, 10), Quota(0, 10)), callers, hours=10)
    assert capped.excess_most == capped.idle_most == 10


def test_a_control_takes_the_luck_out() -> None:
    draw = random.Random(1)
    luck = [draw.gauss(0, 1) for _ in range(50)]
    own = [draw.gauss(0, 0.1) for _ in range(50)]
    values = [5 + 0.8 * seen + noise for seen, noise in zip(luck, own, strict=True)]
    found = luck_free(values, [10 + seen for seen in luck], 10.0)
    assert found.mean == pytest.approx(5, abs=4 * 0.1 / 50**0.5)
    assert found.error < 0.02
    constant = luck_free([1.0, 3.0], [7.0, 7.0], 9.0)
    assert (constant.mean, constant.error) == (2.0, 1.0)


def test_figures_and_goals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quota, "RIVAL_S", 600.0)
    said: list[str] = []
    found = quota.run(seeds=2, hours=1.5, say=said.append)
    assert len(said) == 3
    goals = {name: figure.goal for name, figure in found.figures.items() if figure.goal is not None}
    cases = [f"{n}_surging" for n in (1, 2, 3)]
    assert goals == {
        **{f"{case}_{name}": 0.01 for case in cases for name in ("calm_loss", "calm_loss_example")},
        **{f"{case}_idle_beyond_reserves": 0 for case in cases},
    }
    for case in cases:
        assert found.figures[f"{case}_calm_loss_no_rule"].value > 0.2
        assert found.figures[f"{case}_idle_beyond_reserves"].value <= 0
        assert 240 < found.figures[f"{case}_load_fuzhou"].value < 500
