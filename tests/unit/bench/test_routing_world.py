"""The simulated world: its files, its people, its rosters, its calls."""

from collections import Counter
from dataclasses import replace
from math import inf

import pytest

from bench.world.arrivals import TRIES, make_day, open_share
from bench.world.model import Surge, World
from bench.world.people import in_duty_order
from bench.world.roster import agents_for, heads, shifts
from tieline.model import Business, CityId, DialectId, Level, SiteId

pytestmark = pytest.mark.unit

FUZHOU, XIAMEN = SiteId("fuzhou"), SiteId("xiamen")
PUXIAN, HAKKA = DialectId("puxian"), DialectId("hakka")
HOUR_S = 3600.0


# Files, people, rosters ----------------------------------------------------------------------------------------


def test_the_files_say_what_the_docs_say(world: World) -> None:
    callers = world.callers
    assert sum(callers.business.values()) == pytest.approx(1.0)
    assert max(callers.hours) / sum(callers.hours) == pytest.approx(0.104, abs=0.001)
    customers = sum(city.customers for city in world.cities)
    wanting = sum(city.customers * sum(callers.dialects[city.id].values()) for city in world.cities) / customers
    assert wanting == pytest.approx(0.43, abs=0.01)
    assert {site: len(row) for site, row in world.people.items()} == {FUZHOU: 100, XIAMEN: 100}
    complaint = {each.site for each in world.agents.values() if Business.COMPLAINT in each.business}
    assert complaint == {FUZHOU}
    assert world.topology.dialects.keys() >= {name for shares in callers.dialects.values() for name in shares}


def test_every_stretch_of_the_row_has_the_shares_of_the_groups() -> None:
    groups = [(60, {PUXIAN: Level.NATIVE}), (30, {HAKKA: Level.NATIVE}), (10, {})]
    row = in_duty_order(groups)
    for start in range(0, 80, 7):
        found = Counter(next(iter(tongues), None) for tongues in row[start : start + 20])
        assert found[PUXIAN] == pytest.approx(12, abs=1)
        assert found[HAKKA] == pytest.approx(6, abs=1)


def test_a_roster_keeps_the_level(world: World) -> None:
    staffing = world.staffing
    assert agents_for(20.0, replace(staffing, least=1)) == 24  # Erlang C: 24 answer 82 % in 20 s, 23 only 72 %
    assert agents_for(0.1, staffing) == staffing.least
    storm = world.days["storm"]
    counts = list(heads([100.0] * 48, storm, staffing, 100))
    assert counts[0] == round(agents_for(100 * staffing.allowance / 20, staffing) * storm.factor)
    assert counts[34] == storm.called_in


def test_shifts_take_turns(world: World) -> None:
    row = world.people[FUZHOU]
    found = shifts([2, 3, 1], row, 0.0)
    assert [(shift.agent, shift.start, shift.to) for shift in found] == [
        (row[0].id, 0.0, 3600.0),
        (row[1].id, 0.0, 3600.0),
        (row[2].id, 1800.0, inf),
    ]


def test_a_surge_rises_holds_and_halves() -> None:
    surge = Surge([CityId("fuzhou")], at_hour=15, factor=13, rise_h=0.5, hold_h=1, halving_h=0.5)
    found = [surge.multiple(hour) for hour in (14, 15.25, 15.5, 16.5, 17.0, 17.5)]
    assert found == pytest.approx([1, 7, 13, 13, 7, 4])


# Calls -----------------------------------------------------------------------------------------------------------


def test_a_course_has_the_calls_that_the_files_promise(world: World) -> None:
    plan = world.days["normal"]
    courses = [make_day(world, plan, seed) for seed in range(2)]
    calls = [each for course in courses for each in course.arrivals]
    a_day = sum(city.customers for city in world.cities) / 1000 * world.callers.calls_per_1000_customers_day
    weights = [(hour, weight / sum(world.callers.hours)) for hour, weight in enumerate(world.callers.hours)]
    reaching = a_day * sum(share * open_share(world.callers, hour) for hour, share in weights)
    assert len(calls) / 2 == pytest.approx(reaching, rel=0.02)
    assert [at for at, _ in courses[0].arrivals] == sorted(at for at, _ in courses[0].arrivals)
    patience = [each.patience_s for _, each in calls]
    assert sum(patience) / len(patience) == pytest.approx(world.callers.patience_s, rel=0.03)
    talk = [each.talk_s for _, each in calls]
    assert sum(talk) / len(talk) == pytest.approx(world.callers.talk_s, rel=0.03)
    at_night = [each.caller.business for at, each in calls if at < 8 * HOUR_S]
    assert set(at_night) == set(world.callers.round_the_clock)
    first = calls[0][1]
    tries = [first]
    while tries[-1].next:
        tries.append(tries[-1].next)
    assert len({each.call_id for each in tries}) == TRIES


def test_a_seed_is_a_course_and_a_storm_is_on_top(world: World) -> None:
    normal, storm = world.days["normal"], world.days["storm"]
    once, twice = make_day(world, normal, 1), make_day(world, normal, 1)
    assert [(at, each.call_id, each.talk_s) for at, each in once.arrivals] == [
        (at, each.call_id, each.talk_s) for at, each in twice.arrivals
    ]
    hour = 15.5 * HOUR_S, 16.5 * HOUR_S
    in_storm, calm = (
        [each for at, each in make_day(world, plan, 1).arrivals if hour[0] <= at < hour[1]]
        for plan in (storm, normal)
    )
    from_fuzhou = sum(each.caller.city == "fuzhou" for each in in_storm)
    assert from_fuzhou > 5 * sum(each.caller.city == "fuzhou" for each in calm)
