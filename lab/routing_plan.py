"""The callers and phones of the routing drill: mixed dialects at both sites, more than the agents can take. Pure."""

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import count as counting
from typing import Final

from ivr_prompts.texts import DIALECTS
from lab.calls import unallocated_number
from lab.keys import keys_for
from lab.phones import PhoneGroup
from lab.samples import GREETED_MS, KEYS_MS
from lab.scripts import Answers, HangUp, Pause, Press, Talks
from lab.setup import willing_phones
from routing.agents import Agent
from tieline.model import Business, CityId, DialectId, SiteId
from tieline.topology import City, Topology

RING_MS: Final = 800
"""So long that some callers leave while it rings."""
WRAP_UP_S: Final = 0.5
_STAYS_MS: Final = (300, 7000)
"""From the keys to the hang-up: some leave while they wait or while it rings, most of them talk."""
_IMPORTANT_EVERY: Final = 8
"""One caller in so many is known by his number as an important user."""
_BUSINESS: Final[Mapping[Business, int]] = {
    Business.REPAIR: 45,
    Business.OUTAGE: 15,
    Business.BILLING: 15,
    Business.COMPLAINT: 10,
    Business.EXPANSION: 10,
    Business.OTHER: 5,
}


@dataclass(frozen=True, slots=True)
class RoutedCall:
    """One call before it is made; `number` is national, without the zero."""

    number: str
    city: CityId
    dialect: DialectId
    business: Business
    important: bool = False


@dataclass(frozen=True, slots=True)
class RoutedLane:
    """The calls of one city."""

    city: CityId
    calls: tuple[RoutedCall, ...]
    rate_per_s: float


def routed_lanes(topology: Topology, count: int, rate_per_s: float, seed: int) -> tuple[RoutedLane, ...]:
    """Plan calls of every city, each as often as it has customers; dialects and business by chance.

    Args:
        topology: With the example's cities.
        count: All calls.
        rate_per_s: New calls a second, all cities together.
        seed: The same seed makes the same calls.
    """
    chance = random.Random(seed)  # noqa: S311 - a mix of calls, no secret
    serial = counting(chance.randrange(10_000))
    cities = list(topology.cities.values())
    weights = [city.customers for city in cities]
    of_city: dict[CityId, list[RoutedCall]] = {city.id: [] for city in cities}
    for city in chance.choices(cities, weights, k=count):
        of_city[city.id].append(_call(city, next(serial), chance))
    span_s = count / rate_per_s
    return tuple(RoutedLane(city, tuple(calls), len(calls) / span_s) for city, calls in of_city.items() if calls)


def _call(city: City, serial: int, chance: random.Random) -> RoutedCall:
    dialects = [dialect for dialect in dict.fromkeys(city.dialects) if dialect in DIALECTS]
    business = chance.choices(list(_BUSINESS), list(_BUSINESS.values()))[0]
    number, important = unallocated_number(city.area_code, serial), serial % _IMPORTANT_EVERY == 0
    return RoutedCall(number, city.id, chance.choice(dialects), business, important)


def callers_text(lanes: Iterable[RoutedLane]) -> str:
    """Write the file of known callers: the important ones among those who will call."""
    numbers = (call.number for lane in lanes for call in lane.calls if call.important)
    return "".join(f'[[caller]]\nnumber = "+86{number}"\nimportant = true\n' for number in numbers)


def routed_script() -> Talks:
    """Say what every caller does; field 3 of their file is the keys of the menu."""
    stays = Pause(KEYS_MS + _STAYS_MS[0], KEYS_MS + _STAYS_MS[1])
    return Talks((Pause(GREETED_MS), Press("[field3]"), stays, HangUp()), bye_any_time=True)


def keys_of(city: City, call: RoutedCall) -> str:
    """Give the keys that lead a caller to the pool."""
    return keys_for(city, call.dialect, call.business)


def routed_phones(agents: Iterable[Agent]) -> Mapping[SiteId, tuple[PhoneGroup, ...]]:
    """Let every agent answer after a while; the callers hang up."""
    return willing_phones(agents, Answers(ring_ms=RING_MS))
