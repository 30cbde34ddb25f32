"""The losses under the reserve rule, against the balance of flows that the plain rule itself makes."""

import itertools
from collections.abc import Mapping

import pytest

from tieline.model import CityId, SiteId
from trunk_config.erlang import loss_of
from trunk_config.quota import Quota, SiteQuotas, may_admit
from trunk_config.site_loss import site_loss

pytestmark = pytest.mark.unit

A, B, C = CityId("a"), CityId("b"), CityId("c")
State = tuple[int, ...]


def _site(lines: int, shares: Mapping[CityId, tuple[int, int]], access: int = 99) -> SiteQuotas:
    quotas = {city: Quota(reserve, cap) for city, (reserve, cap) in shares.items()}
    return SiteQuotas(SiteId("s"), lines, quotas, dict.fromkeys(quotas, access))


def _balanced(quotas: SiteQuotas, loads: Mapping[CityId, float]) -> Mapping[CityId, float]:
    """Solve the Markov chain whose steps `may_admit` allows, by iterating its embedded uniform chain."""
    cities = list(quotas.quotas)

    def refused(state: State, city: CityId) -> bool:
        return not may_admit(quotas, dict(zip(cities, state, strict=True)), city)

    states = [
        state
        for state in itertools.product(*(range(quotas.limit(city) + 1) for city in cities))
        if sum(state) <= quotas.lines
    ]
    steps: list[tuple[State, State, float]] = []
    for state, (i, city) in itertools.product(states, enumerate(cities)):
        one_more = (*state[:i], state[i] + 1, *state[i + 1 :])
        one_less = (*state[:i], state[i] - 1, *state[i + 1 :])
        if not refused(state, city):
            steps.append((state, one_more, loads.get(city, 0.0)))
        if state[i]:
            steps.append((state, one_less, float(state[i])))
    fastest = sum(loads.values()) + quotas.lines
    chance = dict.fromkeys(states, 0.0) | {(0,) * len(cities): 1.0}
    for _ in range(600):
        after = dict(chance)
        for origin, goal, rate in steps:
            flow = chance[origin] * rate / fastest
            after[origin] -= flow
            after[goal] += flow
        chance = after
    return {city: sum(p for state, p in chance.items() if refused(state, city)) for city in cities}


@pytest.mark.parametrize(
    ("quotas", "loads"),
    [
        (_site(6, {A: (2, 5), B: (1, 6), C: (0, 2)}), {A: 3.0, B: 2.0, C: 1.0}),
        (_site(5, {A: (2, 5), B: (3, 5)}), {A: 6.0, B: 1.0}),  # all lines reserved
        (_site(6, {A: (4, 5), B: (0, 6)}, access=3), {A: 4.0, B: 5.0}),  # access below the reserve
        (_site(6, {A: (2, 6), B: (0, 6), C: (1, 3)}), {A: 2.0, B: 9.0}),  # nobody calls from c
    ],
)
def test_it_is_what_the_rule_itself_leads_to(quotas: SiteQuotas, loads: Mapping[CityId, float]) -> None:
    expected = _balanced(quotas, loads)
    assert dict(site_loss(quotas, loads)) == pytest.approx(expected, abs=1e-6)


def test_without_reserves_all_share_alike() -> None:
    free = _site(240, dict.fromkeys((A, B, C), (0, 240)), access=999)
    losses = site_loss(free, {A: 400.0, B: 12.4, C: 6.4})
    assert dict(losses) == pytest.approx(dict.fromkeys((A, B, C), loss_of(418.8, 240)))


def test_the_trial_of_the_design() -> None:
    """Source: domain-facts (e): 0.2 to 0.65 % with one, two or three cities in surge, 51 to 71 % for these."""
    names = [CityId(name) for name in ("fuzhou", "putian", "nanping", "sanming", "ningde")]
    reserves = (21, 11, 11, 10, 11)
    site = _site(240, {n: (kept, 240 - 64 + kept) for n, kept in zip(names, reserves, strict=True)}, access=999)
    calm = dict(zip(names, (12.4, 4.9, 4.6, 4.4, 4.9), strict=True))
    losses = site_loss(site, calm | {CityId("fuzhou"): 400.0, CityId("ningde"): 300.0})
    for city in (names[0], names[4]):
        assert losses[city] == pytest.approx(0.70, abs=0.01)
    for city in names[1:4]:
        assert 0.003 < losses[city] < 0.0075


def test_a_city_never_loses_more_than_on_its_reserve_alone() -> None:
    site = _site(240, {A: (10, 240), B: (0, 240)}, access=999)
    for surge in (1.0, 300.0, 1e5):
        assert site_loss(site, {A: 4.4, B: surge})[A] <= loss_of(4.4, 10)
    assert site_loss(site, {A: 4.4, B: 1e5})[A] == pytest.approx(loss_of(4.4, 10), rel=0.01)


def test_loads_beyond_all_measure_do_not_vanish_in_rounding() -> None:
    site = _site(240, dict.fromkeys((A, B, C), (10, 240)), access=999)
    losses = site_loss(site, dict.fromkeys((A, B, C), 1e5))
    assert dict(losses) == pytest.approx(dict.fromkeys((A, B, C), 1 - 240 / 3e5), abs=1e-5)


def test_cities_without_calls_or_without_lines() -> None:
    site = SiteQuotas(SiteId("s"), 10, {A: Quota(2, 9), B: Quota(0, 6), C: Quota(0, 5)}, {A: 9, B: 9, C: 0})
    losses = site_loss(site, {B: 50.0})
    assert losses[A] == 0.0  # its reserve is free for it
    assert losses[B] == pytest.approx(loss_of(50.0, 6))
    assert losses[C] == 1.0
    assert set(site_loss(site, {}).values()) == {0.0, 1.0}


def test_more_reserved_than_there_is() -> None:
    with pytest.raises(ValueError, match="more than its 3 lines"):
        site_loss(_site(3, {A: (2, 3), B: (2, 3)}), {})
