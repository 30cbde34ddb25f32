"""Ordinary callers: what a customer of a city does, and how many call in a storm. Pure."""

from dataclasses import replace
from typing import Final

from lab.calls import CallRun, some_callers
from lab.errors import LabError
from lab.keys import keys_for
from lab.plan import LabPlan
from lab.samples import GREETED_MS, KEYS_MS
from lab.scripts import CallerScript, GivesUp, HangUp, Pause, Press, Talks
from tieline.model import Business, CityId, DialectId
from tieline.topology import City

CALM_CUSTOMERS_PER_CALL: Final = 10_000_000
"""Customers that make one call a second on a calm day; an assumption of the lab, not a measurement."""
_STORM_TALK_MS: Final = 6000
_STORM_END_S: Final = 60


def city_of(plan: LabPlan, city: CityId) -> City:
    """Find a city.

    Raises:
        LabError: There is no such city.
    """
    if city not in plan.topology.cities:
        raise LabError(f"no city {city!r}; there are {', '.join(plan.topology.cities)}")
    return plan.topology.cities[city]


def caller_script(
    plan: LabPlan, city: CityId, dialect: DialectId, business: Business, abandon: str | None, talk_s: float
) -> CallerScript:
    """Make the script of an ordinary caller.

    Raises:
        LabError: The city is unknown, or its menu does not offer what is wanted.
    """
    place = city_of(plan, city)
    if abandon == "ring":
        return GivesUp(0)
    if abandon == "menu":
        return Talks((Pause(GREETED_MS), HangUp()))
    keys = keys_for(place, dialect, business)
    stay_ms = 0 if abandon == "waiting" else round(talk_s * 1000)
    return _talks(keys, stay_ms)


def storm_of(plan: LabPlan, city: CityId, factor: float, seconds: float) -> CallRun:
    """Let a city call `factor` times as often as on a calm day; that the city's lines are all in use is no fault.

    Raises:
        LabError: The city is unknown.
    """
    place = city_of(plan, city)
    rate = storm_rate(place, factor)
    callers = some_callers(plan, city, max(1, round(rate * seconds)))
    script = repair_call(place, _STORM_TALK_MS)
    return CallRun(city=city, script=script, callers=callers, rate_per_s=rate, limit_s=seconds + _STORM_END_S)


def storm_rate(city: City, factor: float) -> float:
    """Give the calls a second of a city that calls `factor` times as often as on a calm day."""
    return max(0.1, factor * city.customers / CALM_CUSTOMERS_PER_CALL)


def repair_call(city: City, stay_ms: int) -> Talks:
    """Report an outage in the city's first dialect, and stay for so long after the keys; a refusal is no fault."""
    keys = keys_for(city, city.dialects[0], Business.REPAIR)
    return replace(_talks(keys, stay_ms), may_be_refused=True)


def _talks(keys: str, stay_ms: int) -> Talks:
    return Talks((Pause(GREETED_MS), Press(keys), Pause(KEYS_MS + stay_ms), HangUp()), bye_any_time=True)
