"""What the callers of the drill do: who calls from where, wants what, and how each call is to end. Pure.

The calls with one script are a lane, played by one SIPp, its cities mixed. How a call ends must not be a matter of
luck, so there are agents made for it: some never answer, one never hangs up, and nobody does expansions in Hakka.
"""

import math
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import count as counting
from itertools import cycle, islice
from typing import Any, Final

from lab.calls import unallocated_number
from lab.samples import FULL_CITY, KEYS_MS
from lab.scripts import CallerScript, GivesUp, HangUp, IsRefused, Pause, Press, Talks
from tieline.model import MANDARIN, AgentId, Business, CityId, DialectId, Outcome, SiteId
from tieline.topology import Topology

HAKKA: Final = DialectId("hakka")
HOLDERS_DIALECT: Final = DialectId("min_bei")
SEATS: Final = 100
SLOW_SEATS: Final = 10
HELD_S: Final = 4.0
"""The holder calls so long before all others: by then he has the only line of his city."""

GREETED_MS: Final = 600
"""Nobody presses a key before; the menu speaks meanwhile."""
_KEY_LATER_MS: Final = 500
"""So long after it is told to press keys SIPp plays the first one (`lab.scenario_media.keys_ms`)."""
HEARS_MENU_MS: Final = GREETED_MS + _KEY_LATER_MS
"""So long the menu speaks to everybody."""
RING_MS: Final = 200
AGENT_TALKS_MS: Final = 1300
_CALLER_TALKS_MS: Final = (1000, 1300)
"""Shorter ones would leave too little tone to tell in a recording that both sides are in it (`lab.sound`)."""
_MATCH_MS: Final = 500
_ACROSS_MS: Final = 400
"""So much later a caller hears an agent of the other site: a leg more is set up, through a node more."""


class Ends(StrEnum):
    """How a caller's course ends."""

    CALLER = "caller"
    ACROSS = "across"
    """As `CALLER`; his agent is the other site's."""
    RATED = "rated"
    MENU = "menu"
    WAITING = "waiting"
    RINGING = "ringing"
    CANCELLED = "cancelled"
    REFUSED = "refused"
    HOLDER = "holder"
    """Talks from the first to the last second: the full city's only line is his."""


OUTCOMES: Final[Mapping[Ends, Outcome]] = {
    Ends.CALLER: Outcome.ANSWERED,
    Ends.ACROSS: Outcome.ANSWERED,
    Ends.RATED: Outcome.ANSWERED,
    Ends.HOLDER: Outcome.ANSWERED,
    Ends.MENU: Outcome.ABANDONED_MENU,
    Ends.CANCELLED: Outcome.ABANDONED_MENU,
    Ends.WAITING: Outcome.ABANDONED_WAITING,
    Ends.RINGING: Outcome.ABANDONED_WAITING,
    Ends.REFUSED: Outcome.REFUSED,
}
TALKS: Final = frozenset((Ends.CALLER, Ends.ACROSS, Ends.RATED, Ends.HOLDER))
UNHEARD: Final = frozenset((Ends.CANCELLED, Ends.REFUSED))
"""Never answered: no keys, and nothing to hear but a refusal."""


@dataclass(frozen=True, slots=True)
class Planned:
    """One call before it is made.

    Attributes:
        number: National number without the zero, as the From header has it.
        rating: Key pressed after the talk, 0 for none.
    """

    number: str
    city: CityId
    ends: Ends
    dialect: DialectId = MANDARIN
    business: Business = Business.OTHER
    rating: int = 0

    @property
    def outcome(self) -> Outcome:
        """What must become of it."""
        return OUTCOMES[self.ends]


@dataclass(frozen=True, slots=True)
class Lane:
    """Calls with one script, `rate_per_s` from `after_s` on."""

    script: CallerScript
    calls: tuple[Planned, ...]
    rate_per_s: float
    after_s: float


_SHARE_OF_CITY: Final[Mapping[str, int]] = {
    "fuzhou": 8,
    "putian": 4,
    "sanming": 3,
    "ningde": 4,
    "xiamen": 6,
    "quanzhou": 7,
    "zhangzhou": 4,
    "longyan": 3,
}
_RATED_FROM: Final = ("putian", "xiamen")
_LANE_PER_S: Final = 15.0
"""Of a lane: each is a SIPp more, but SIPp dies of a socket numbered above 1,023 (select); each call has five."""

_OTHERS: Final = (
    (Ends.MENU, "quanzhou", 0.04),
    (Ends.WAITING, "longyan", 0.02),
    (Ends.RINGING, "sanming", 0.02),
    (Ends.CANCELLED, "ningde", 0.01),
    (Ends.REFUSED, FULL_CITY, 0.01),
)
_BUSINESS: Final[Mapping[Business, int]] = {
    Business.REPAIR: 45,
    Business.OUTAGE: 15,
    Business.BILLING: 15,
    Business.COMPLAINT: 10,
    Business.EXPANSION: 10,
    Business.OTHER: 5,
}
_NOT_IN_HAKKA: Final = (Business.COMPLAINT, Business.EXPANSION, Business.OTHER)
"""`other` is every agent's, the slow ones' too."""
_MANDARIN_SHARE: Final = 0.5


def lanes(topology: Topology, count: int, rate_per_s: float, seed: int) -> tuple[Lane, ...]:
    """Plan the calls of a drill.

    Args:
        topology: With the example's cities.
        count: All calls, the holder's included; at least 40, so that every course is taken.
        rate_per_s: New calls a second, all lanes together.
        seed: The same seed makes the same calls.
    """
    chance = random.Random(seed)  # noqa: S311 - a mix of calls, no secret
    serial = counting(chance.randrange(10_000))
    span_s = (count - 1) / rate_per_s
    by_script: dict[CallerScript, list[Planned]] = {}
    for (city, ends), calls in _sizes(count):
        for _ in range(calls):
            call = _planned(topology, CityId(city), ends, serial, chance)
            by_script.setdefault(script_of(call.ends, span_s), []).append(call)
    return tuple(lane for script, calls in by_script.items() for lane in _lanes(script, calls, span_s, chance))


def _lanes(script: CallerScript, calls: list[Planned], span_s: float, chance: random.Random) -> Iterator[Lane]:
    """Share the calls of a script out over as few lanes as can bear them, the cities mixed."""
    chance.shuffle(calls)
    wanted = math.ceil(len(calls) / span_s / _LANE_PER_S)
    for number in range(wanted):
        part = tuple(calls[number::wanted])
        is_holder = part[0].ends is Ends.HOLDER
        yield Lane(script, part, 1.0 if is_holder else len(part) / span_s, 0.0 if is_holder else HELD_S)


def _sizes(count: int) -> Iterator[tuple[tuple[str, Ends], int]]:
    """Share the calls out; rounding goes to the first city's talks."""
    left = count - 1
    yield (FULL_CITY, Ends.HOLDER), 1
    for ends, city, share in _OTHERS:
        calls = max(1, round(share * count))
        left -= calls
        yield (city, ends), calls
    talks, weights = left, sum(_SHARE_OF_CITY.values())
    for city, weight in reversed(list(_SHARE_OF_CITY.items())):
        calls = left if city == "fuzhou" else talks * weight // weights
        left -= calls
        yield (city, Ends.RATED if city in _RATED_FROM else Ends.CALLER), calls


def _planned(topology: Topology, city: CityId, ends: Ends, serial: Iterator[int], chance: random.Random) -> Planned:
    place = topology.cities[city]
    number = unallocated_number(place.area_code, next(serial))
    match ends:
        case Ends.CANCELLED | Ends.REFUSED | Ends.MENU:
            return Planned(number, city, ends)
        case Ends.HOLDER:
            return Planned(number, city, ends, HOLDERS_DIALECT, Business.REPAIR)
        case Ends.WAITING:
            return Planned(number, city, ends, HAKKA, Business.EXPANSION)
        case Ends.RINGING:
            return Planned(number, city, ends, HAKKA, Business.COMPLAINT)
    others = [known for known in place.dialects if known in _STAFFED[place.home] and known != MANDARIN]
    dialect = MANDARIN if chance.random() < _MANDARIN_SHARE or not others else chance.choice(others)
    business = chance.choices(list(_BUSINESS), list(_BUSINESS.values()))[0]
    if dialect == HAKKA and business in _NOT_IN_HAKKA:
        business = Business.REPAIR
    if ends is Ends.CALLER and topology.business_sites.get(business, place.home) != place.home:
        ends = Ends.ACROSS
    rating = chance.randint(1, 4) if ends is Ends.RATED else 0
    return Planned(number, city, ends, dialect, business, rating)


def script_of(ends: Ends, span_s: float) -> CallerScript:
    """Say what callers of a course do; field 3 of their file is the keys of the menu, field 4 the rating.

    Args:
        ends: The course.
        span_s: How long new calls come, seconds.
    """
    chosen = (Pause(GREETED_MS), Press("[field3]"))
    talking = KEYS_MS + _MATCH_MS + RING_MS
    match ends:
        case Ends.CANCELLED:
            return GivesUp(0)
        case Ends.REFUSED:
            return IsRefused(status=503, cause=34)
        case Ends.MENU:
            return Talks((Pause(HEARS_MENU_MS), HangUp()))
        case Ends.WAITING | Ends.RINGING:
            return Talks((*chosen, Pause(KEYS_MS + 1000), HangUp()))
        case Ends.RATED:
            asked = Pause(talking + AGENT_TALKS_MS + 1000)
            answer = (Press("[field4]"), Pause(KEYS_MS), HangUp())
            return Talks((*chosen, asked, *answer), bye_any_time=True)
        case Ends.HOLDER:
            return Talks((*chosen, Pause(round(1000 * (span_s + HELD_S)) + 12_000), HangUp()))
        case Ends.CALLER | Ends.ACROSS:
            talking += _ACROSS_MS if ends is Ends.ACROSS else 0
            # The tone begins in a pause of fixed length, see `lab.scenario_caller`.
            talk = (Pause(KEYS_MS + 100), Pause(*(talking - KEYS_MS + ms for ms in _CALLER_TALKS_MS)))
            return Talks((*chosen, *talk, HangUp()), bye_any_time=True)


# The agents --------------------------------------------------------------------------------------------------

_STAFFED: Final[Mapping[SiteId, tuple[DialectId, ...]]] = {
    SiteId("fuzhou"): tuple(map(DialectId, ("min_dong", "puxian", "hakka", "min_nan"))),
    SiteId("xiamen"): tuple(map(DialectId, ("min_nan", "hakka", "min_nan", "min_nan"))),
}


_SPECIAL_SITE: Final = SiteId("fuzhou")
"""Home of those callers who are to find a phone that is not brisk."""


class Phones(StrEnum):
    """How an agent's phone behaves in the drill."""

    BRISK = "brisk"
    """Answers, and hangs up after `AGENT_TALKS_MS`."""
    SLOW = "slow"
    """Rings for ever."""
    PATIENT = "patient"
    """Answers and never hangs up."""


def seats(example: list[dict[str, Any]]) -> tuple[tuple[dict[str, Any], Phones], ...]:
    """Staff all seats from the example's agents: their tables for an agents' file, and their phones.

    Each gets one more dialect in turn. Basic Mandarin keeps the slow and the patient ones from ordinary calls.

    Args:
        example: The tables of `examples/agents.toml`.
    """
    found: list[tuple[dict[str, Any], Phones]] = []
    for first, site in zip((1001, 2001), _STAFFED, strict=True):
        rows = cycle(row for row in example if row["site"] == site)
        for number, row in enumerate(islice(rows, SEATS)):
            name = {"id": AgentId(f"a{first + number}"), "site": str(site), "name": row["name"]}
            found.append(_seat(number, name, row, _STAFFED[site]))
    return tuple(found)


def _seat(
    number: int, name: dict[str, Any], row: dict[str, Any], staffed: tuple[DialectId, ...]
) -> tuple[dict[str, Any], Phones]:
    has_special = name["site"] == _SPECIAL_SITE
    if has_special and number == 0:
        skills = {"dialects": {HOLDERS_DIALECT: "native", MANDARIN: "basic"}, "business": {"repair": "fluent"}}
        return name | skills, Phones.PATIENT
    if has_special and number <= SLOW_SEATS:
        skills = {"dialects": {HAKKA: "native", MANDARIN: "basic"}, "business": {"complaint": "fluent"}}
        return name | skills, Phones.SLOW
    dialects = {known: how for known, how in row["dialects"].items() if known != HOLDERS_DIALECT}
    dialects = {MANDARIN: "fluent"} | dialects | {staffed[number % len(staffed)]: "fluent"}
    business = dict.fromkeys(("repair", "outage", "billing", "complaint", "expansion", "other"), "fluent")
    if HAKKA in dialects:
        business = {known: how for known, how in business.items() if known not in _NOT_IN_HAKKA}
    return name | {"dialects": dialects, "business": business}, Phones.BRISK


def agents_text(tables: list[dict[str, Any]]) -> str:
    """Write an agents' file."""

    def inline(values: Mapping[str, str]) -> str:
        return "{ " + ", ".join(f'{key} = "{value}"' for key, value in values.items()) + " }"

    lines: list[str] = []
    for table in tables:
        lines += ["[[agent]]", *(f'{key} = "{table[key]}"' for key in ("id", "site", "name"))]
        lines += [f"{key} = {inline(table[key])}" for key in ("dialects", "business")]
    return "\n".join(lines) + "\n"
