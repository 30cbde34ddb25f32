"""Quotas of one site, and the rule that decides whether a city may use one more line. Pure.

Caps alone fail when two cities surge together: every city then loses 66-68 % (simulated, design section 5). So each
city has a reserve that stays free for it while it does not use it, and beside that a cap.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from tieline.errors import Problem
from tieline.model import CityId, RefusalCause, SiteId
from tieline.topology import Topology

LINES_AT_MOST: Final = 10_000
"""Of one site; above that a number is a slip of the hand."""


@dataclass(frozen=True, slots=True)
class Quota:
    """What a city may use of a site's lines.

    Attributes:
        reserve: Lines kept for it, 0 to `cap`.
        cap: Never more than this.
    """

    reserve: int
    cap: int


@dataclass(frozen=True, slots=True)
class Allowances:
    """What a site rations beside the quotas.

    Attributes:
        messages: Callers who hear a spoken refusal at once, outside the lines; the others are refused without one.
        safety_lines: Lines at once for numbers on the life-safety list, beyond the city's cap and what others have
            reserved, but never beyond the site's lines.
        safety_numbers: The list, E.164. Personal data.
    """

    messages: int = 8
    safety_lines: int = 4
    safety_numbers: frozenset[str] = field(default=frozenset(), repr=False)


@dataclass(frozen=True, slots=True)
class SiteQuotas:
    """The quotas in force at a site.

    Attributes:
        lines: Inbound channels that the site carries at once.
        quotas: By city; a city that is missing is refused.
        access: Channels of each city's trunk groups in service.
    """

    site: SiteId
    lines: int
    quotas: Mapping[CityId, Quota]
    access: Mapping[CityId, int]

    def limit(self, city: CityId) -> int:
        """Give what a city may use at most: its cap, or its access when that is smaller; 0 without a quota."""
        quota = self.quotas.get(city)
        return min(quota.cap, self.access.get(city, 0)) if quota else 0


def site_quotas(topology: Topology, site: SiteId, quotas: Mapping[CityId, Quota]) -> SiteQuotas:
    """Join a set of quotas with what the topology says of the site.

    No more is kept for a city than its trunk groups in service can carry: lines that nobody can reach would be idle.
    """
    access = {city.id: city.access for city in topology.cities.values()}
    kept = {city: Quota(min(quota.reserve, access.get(city, 0)), quota.cap) for city, quota in quotas.items()}
    return SiteQuotas(site, topology.sites[site].lines, kept, access)


def may_admit(quotas: SiteQuotas, in_use: Mapping[CityId, int], city: CityId) -> bool:
    """Decide whether a city may use one more line: below its limit, and what others have reserved stays free.

    This is the rule in its plain form; `trunk_config.admission` keeps the sum up to date instead of making it.

    Source:
        design.md section 5.
    """
    if in_use.get(city, 0) >= quotas.limit(city):
        return False
    kept = sum(
        max(0, quota.reserve - in_use.get(other, 0)) for other, quota in quotas.quotas.items() if other != city
    )
    return sum(in_use.values()) + kept < quotas.lines


def refusal_cause(quotas: SiteQuotas, in_use: Mapping[CityId, int], city: CityId) -> RefusalCause:
    """Say whose limit a refused call met: `PLATFORM` when its city is below its reserve and its limit.

    Such a city has a line promised that nobody has. The reserve rule alone never comes to that; lines that were let
    in without it do, by a node's own count or before a change raised the reserve.
    """
    used, quota = in_use.get(city, 0), quotas.quotas.get(city)
    promised = quota is not None and used < min(quota.reserve, quotas.limit(city))
    return RefusalCause.PLATFORM if promised else RefusalCause.QUOTA


def faults(topology: Topology, site: SiteId, quotas: Mapping[CityId, Quota]) -> Iterator[Problem]:
    """Yield everything that is wrong with a set of quotas for a site."""
    if site not in topology.sites:
        yield Problem(f"site {site}", "unknown site", "use one of " + ", ".join(topology.sites))
        return
    lines = topology.sites[site].lines
    for city, quota in quotas.items():
        yield from _faults_of_city(topology, city, quota, lines)
    for served in topology.cities.values():
        if site in (served.home, served.backup) and served.id not in quotas:
            yield Problem(f"city {served.id}", f"no quota at {site}, which serves it", "add reserve and cap")
    reserved = sum(quota.reserve for quota in quotas.values() if 0 <= quota.reserve <= LINES_AT_MOST)
    if reserved > lines:
        yield Problem(f"site {site}", f"the reserves add up to {reserved}, it has {lines} lines", "lower reserves")


def _faults_of_city(topology: Topology, city: CityId, quota: Quota, lines: int) -> Iterator[Problem]:
    where = f"city {city}"
    if city not in topology.cities:
        yield Problem(where, "unknown city", "use one of " + ", ".join(topology.cities))
        return
    numbers = (("reserve", quota.reserve), ("cap", quota.cap))
    outside = [(name, value) for name, value in numbers if not 0 <= value <= LINES_AT_MOST]
    for name, value in outside:
        yield Problem(f"{where} {name}", f"{value} is out of range", f"write 0 to {lines}")
    if outside:
        return
    if quota.reserve > quota.cap:
        yield Problem(
            where, f"reserve {quota.reserve} is above cap {quota.cap}", "raise the cap or lower the reserve"
        )
    if quota.cap > lines:
        yield Problem(f"{where} cap", f"{quota.cap} is more than the site's {lines} lines", "lower it")
