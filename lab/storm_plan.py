"""A storm on scaled-down lines: one city calls many times as often as usual, all others calmly. Pure.

The sites have so few lines that a machine with two processors can fill them. Each calm city calls on a schedule that
never needs more than its reserve: the next of its calls comes `reserve` calls after it, so with a call every
`spacing` seconds at most `longest / spacing` are there at once, whatever the storm does.
"""

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count as counting
from itertools import islice, product
from typing import Final

from lab.calls import MOST_CALLS, unallocated_number
from lab.errors import LabError
from lab.ordinary import repair_call, storm_rate
from lab.samples import GREETED_MS, KEYS_MS
from lab.scripts import Talks
from tieline.model import CityId, SiteId
from tieline.topology import City, Topology
from trunk_config.caps import node_share
from trunk_config.profiles import NORMAL
from trunk_config.quota import Quota

LINES: Final = 16
"""Of each site."""
ACCESS: Final = 18
"""Channels of each city's trunk group."""
RESERVE: Final = 2
"""Of each city at its home."""
STORM_CAP: Final = 13
"""Of the storming city at its home: more than the reserves of the others leave it."""
CALM_CAP: Final = 6
STAY_MS: Final = 4000
"""From the keys to the hang-up, beside the time that the keys take."""
LONGEST_S: Final = (GREETED_MS + KEYS_MS + STAY_MS) / 1000 + 2.5
"""A call with everything that a busy machine adds, until its line is free again."""
_PROFILES: Final = (NORMAL, "typhoon")
PER_S: Final = 0.1
"""SIPp is told so many calls in ten seconds: rates come in tenths."""


@dataclass(frozen=True, slots=True)
class StormCall:
    """One call before it is made.

    Attributes:
        number: National number without the zero, as the From header has it.
        is_calm: Of a city that is not in storm: it must be admitted.
    """

    number: str
    city: CityId
    is_calm: bool


@dataclass(frozen=True, slots=True)
class StormLane:
    """The calls of one city, `rate_per_s` from `after_s` on."""

    city: CityId
    calls: tuple[StormCall, ...]
    rate_per_s: float
    after_s: float


def calm_rate(reserve: int = RESERVE, longest_s: float = LONGEST_S) -> float:
    """Give the highest rate, calls a second, at which calls of a length never need more lines than a reserve.

    Raises:
        LabError: The reserve does not suffice for the lowest rate there is.
    """
    tenths = int(reserve / longest_s / PER_S)
    if not tenths:
        raise LabError(f"{reserve} lines are too few for calls of {longest_s:g} s")
    return tenths * PER_S


def storm_lanes(topology: Topology, city: CityId, factor: float, seconds: float, seed: int) -> tuple[StormLane, ...]:
    """Plan the calls.

    Args:
        topology: With the example's cities.
        city: The one in storm.
        factor: So many times as often as on a calm day (`lab.ordinary.storm_rate`).
        seconds: How long new calls come.
        seed: The same seed makes the same numbers.

    Raises:
        LabError: These are more calls than a run may have.
    """
    serial = counting(random.Random(seed).randrange(10_000))  # noqa: S311 - numbers of callers, no secret
    storm = storm_rate(topology.cities[city], factor)
    if storm * seconds > MOST_CALLS:
        raise LabError(f"{storm * seconds:.0f} calls of {city} are more than the {MOST_CALLS} of a run")
    calm = calm_rate()
    apart_s = 1 / calm / (len(topology.cities) - 1)  # not all calm cities at the same moment
    others = [place for place in topology.cities.values() if place.id != city]
    return (
        _lane(topology.cities[city], storm, seconds, 0.0, serial, is_calm=False),
        *(_lane(place, calm, seconds, turn * apart_s, serial, is_calm=True) for turn, place in enumerate(others)),
    )


def _lane(
    place: City, rate_per_s: float, seconds: float, after_s: float, serial: Iterator[int], *, is_calm: bool
) -> StormLane:
    numbers = (
        unallocated_number(place.area_code, one) for one in islice(serial, max(1, round(rate_per_s * seconds)))
    )
    calls = tuple(StormCall(number, place.id, is_calm) for number in numbers)
    return StormLane(place.id, calls, rate_per_s, after_s)


def storm_script(place: City) -> Talks:
    """Say what a caller does, calm or not: report an outage, wait for an agent or talk, hang up."""
    return repair_call(place, STAY_MS)


# The scaled-down network --------------------------------------------------------------------------------------


def scaled_topology(text: str) -> str:
    """Give a topology file's text with few lines for each site and few channels for each trunk group."""
    text = re.sub(r"^lines = \d+$", f"lines = {LINES}", text, flags=re.MULTILINE)
    return re.sub(r"^e1 = \d+$", f"sip_channels = {ACCESS}", text, flags=re.MULTILINE)


def scaled_shares(topology: Topology, site: SiteId, storm: CityId) -> dict[CityId, Quota]:
    """Share the few lines of a site: a reserve for each city at home, none at the backup."""

    def share(city: City) -> Quota:
        reserve = RESERVE if city.home == site else 0
        return Quota(reserve, STORM_CAP if city.id == storm and city.home == site else CALM_CAP)

    return {city.id: share(city) for city in topology.cities.values()}


def quotas_text(topology: Topology, storm: CityId) -> str:
    """Write the quotas' file of the scaled-down network: profiles of one content, as many as surges may propose."""
    lines: list[str] = []
    for site, name in product(topology.sites, _PROFILES):
        lines += ["[[profile]]", f'name = "{name}"', f'site = "{site}"', "[profile.quotas]"]
        shares = scaled_shares(topology, site, storm)
        lines += (f"{city} = {{ reserve = {quota.reserve}, cap = {quota.cap} }}" for city, quota in shares.items())
    return "\n".join(lines) + "\n"


def most_told_without_redis(at_once: int, nodes: int) -> int:
    """Give how many may hear a refusal at once when each node rations for itself.

    As many as are allowed may be on one node when Redis goes; the others then tell their own part beside them.
    """
    return at_once + node_share(at_once, nodes) * (nodes - 1)


def most_by_node_count(cap: int, nodes: int) -> int:
    """Give how many calls of a city come in when each node counts for itself: at most the rounding above the cap.

    Mostly fewer, for a node leaves the reserves of the others free. But those that Redis let in before it went may be
    on one node, and the others then let in their own part beside them.
    """
    return node_share(cap, nodes) * nodes
