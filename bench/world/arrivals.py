"""The calls of a day, with everything that chance decides about them. One seed, one course."""

from collections.abc import Mapping, Sequence
from math import log
from typing import Final, TypeVar

import numpy as np

from bench.world.model import HOUR_S, Caller, Callers, City, Day, DayPlan, Shift, Try, World
from bench.world.roster import heads, shifts
from tieline.model import MANDARIN, Business, CallId, SiteId

TRIES: Final = 4
"""A caller's first try and at most three further ones."""

_Name = TypeVar("_Name")

_STEP_S: Final = 60.0
"""Within a minute the rate of arrivals is constant."""


def make_day(world: World, plan: DayPlan, seed: int) -> Day:
    """Draw a course of a day."""
    chance = np.random.default_rng([seed, sum(map(ord, plan.id))])
    arrivals: list[tuple[float, Caller]] = []
    for city in world.cities:
        arrivals += _usual(world.callers, plan, city, chance)
        arrivals += _surge(world.callers, plan, city, chance)
    arrivals.sort(key=lambda arrival: arrival[0])
    luck = _luck(world.callers, plan, len(arrivals), chance)
    tries = [
        (at, _tries(f"{plan.id}{seed}-{number}", caller, luck[number]))
        for number, (at, caller) in enumerate(arrivals)
    ]
    return Day(
        plan=plan,
        seed=seed,
        arrivals=tries,
        shifts=_roster(world, plan),
        end=plan.to_hour * HOUR_S,
        peak=(plan.peak_from_hour * HOUR_S, plan.peak_to_hour * HOUR_S),
    )


# Rates ---------------------------------------------------------------------------------------------------------


def open_share(callers: Callers, hour: float) -> float:
    """Give the share of the usual calls whose business is open at an hour (24 and more: the next day)."""
    if callers.open_from_hour <= hour % 24 < callers.open_to_hour:
        return 1.0
    return sum(share for business, share in callers.business.items() if business in callers.round_the_clock)


def usual_rate(callers: Callers, city: City, hour: float) -> float:
    """Give a city's usual calls an hour that reach the pool."""
    a_day = city.customers / 1000 * callers.calls_per_1000_customers_day
    weight = callers.hours[int(hour % 24)] / sum(callers.hours)
    return a_day * weight * open_share(callers, hour)


def _usual(callers: Callers, plan: DayPlan, city: City, chance: np.random.Generator) -> list[tuple[float, Caller]]:
    found: list[tuple[float, Caller]] = []
    for at in _times(plan, [usual_rate(callers, city, minute / 60) for minute in _minutes(plan)], chance):
        hour = at / HOUR_S % 24
        is_open = callers.open_from_hour <= hour < callers.open_to_hour
        mix = {
            business: share
            for business, share in callers.business.items()
            if is_open or business in callers.round_the_clock
        }
        found.append((at, _caller(callers, city, mix, chance)))
    return found


def _surge(callers: Callers, plan: DayPlan, city: City, chance: np.random.Generator) -> list[tuple[float, Caller]]:
    surges = [surge for surge in plan.surges if city.id in surge.cities]
    if not surges or not plan.surge_business:
        return []
    rates = [
        usual_rate(callers, city, minute / 60)
        * sum(surge.multiple(minute / 60) - 1 for surge in surges)
        * (1 - plan.kept_by_menu)
        for minute in _minutes(plan)
    ]
    return [(at, _caller(callers, city, plan.surge_business, chance)) for at in _times(plan, rates, chance)]


def _minutes(plan: DayPlan) -> range:
    return range(round(plan.from_hour * 60), round(plan.to_hour * 60))


def _times(plan: DayPlan, rates_per_hour: Sequence[float], chance: np.random.Generator) -> list[float]:
    """Draw the times of a Poisson stream whose rate changes by the minute."""
    counts = chance.poisson(np.asarray(rates_per_hour) / 60)
    starts = np.repeat(plan.from_hour * HOUR_S + np.arange(len(counts)) * _STEP_S, counts)
    times: list[float] = (starts + chance.random(len(starts)) * _STEP_S).tolist()
    return times


# Callers -------------------------------------------------------------------------------------------------------


def _caller(callers: Callers, city: City, mix: Mapping[Business, float], chance: np.random.Generator) -> Caller:
    asked, wanted, cannot, known = chance.random(4)
    dialect = _pick(asked, callers.dialects[city.id]) or MANDARIN
    business = _pick(wanted * sum(mix.values()), mix) or Business.OTHER
    cannot_mandarin = bool(dialect != MANDARIN and cannot < callers.cannot)
    return Caller(
        city.id, city.site, dialect, business, cannot_mandarin, bool(cannot_mandarin and known < callers.known)
    )


def _pick(drawn: float, shares: Mapping[_Name, float]) -> _Name | None:
    """Take the name in whose share a number falls; None beyond the last."""
    for name, share in shares.items():
        if drawn < share:
            return name
        drawn -= share
    return None


def _luck(callers: Callers, plan: DayPlan, people: int, chance: np.random.Generator) -> list[list[list[float]]]:
    """Draw for each caller and try: patience, ringing, talk, the chance to call again, and two times until then."""
    shape = (people, TRIES)
    patience_s = callers.storm_patience_s if plan.impatient else callers.patience_s
    about = log(callers.talk_s) - callers.talk_sigma**2 / 2
    drawn = [
        chance.exponential(patience_s, shape),
        chance.uniform(callers.ring_least_s, callers.ring_most_s, shape),
        chance.lognormal(about, callers.talk_sigma, shape),
        chance.random(shape),
        chance.exponential(callers.again.after_talk_s, shape),
        chance.exponential(callers.again.after_hang_up_s, shape),
    ]
    luck: list[list[list[float]]] = np.stack(drawn, axis=2).tolist()
    return luck


def _tries(name: str, caller: Caller, luck: Sequence[Sequence[float]]) -> Try:
    """Make the first try, which leads to the others."""
    found: Try | None = None
    for number, drawn in reversed([*enumerate(luck)]):
        patience_s, ring_s, talk_s, again, again_after_s, retry_after_s = drawn
        found = Try(
            call_id=CallId(f"{name}:{number}"),
            caller=caller,
            patience_s=patience_s,
            ring_s=ring_s,
            talk_s=talk_s,
            again=again,
            again_after_s=again_after_s,
            retry_after_s=retry_after_s,
            next=found,
        )
    assert found is not None  # noqa: S101 - there is luck for `TRIES` tries
    return found


# Roster --------------------------------------------------------------------------------------------------------


def _roster(world: World, plan: DayPlan) -> list[Shift]:
    return [shift for site in world.people for shift in _shifts_of(world, plan, site)]


def _shifts_of(world: World, plan: DayPlan, site: SiteId) -> list[Shift]:
    halves = range(round((plan.to_hour - plan.from_hour) * 2))
    cities = [city for city in world.cities if city.site == site]
    forecast = [sum(usual_rate(world.callers, city, plan.from_hour + half / 2) for city in cities) for half in halves]
    row = world.people[site]
    return shifts([*heads(forecast, plan, world.staffing, len(row))], row, plan.from_hour * HOUR_S)
