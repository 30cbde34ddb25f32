"""How a site stands: what is in force, what is in use, and how many more calls each city could place. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from tieline.model import CityId, SiteId
from trunk_config.profiles import Profiles
from trunk_config.quota import Quota, SiteQuotas
from trunk_config.versions import QuotaVersion


@dataclass(frozen=True, slots=True)
class CityStanding:
    """One city at one site.

    Attributes:
        in_use: Lines in use; None while the site's Redis is away.
        access: Channels of the city's trunk groups in service.
        free: So many more of its calls would be admitted now, if no other city placed any; None as `in_use`.
    """

    city: CityId
    in_use: int | None
    reserve: int
    cap: int
    access: int
    free: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One site.

    Attributes:
        version: The newest version of the quotas.
        installed: The version that calls are decided by now; None while the site's Redis is away or has none.
        changed: Whether shares were set by hand since the profile was put on, or the file changed.
        since: When the version was made, Unix seconds.
        until: When a former version returns by itself, Unix seconds, or None.
        in_use: Lines in use; None while Redis is away.
        kept: Lines that nobody uses and that are kept for cities below their reserve; None as `in_use`.
    """

    site: SiteId
    version: int
    installed: int | None
    profile: str
    changed: bool
    by: str
    why: str
    since: float
    until: float | None
    lines: int
    in_use: int | None
    kept: int | None
    cities: tuple[CityStanding, ...]


def standing(
    version: QuotaVersion,
    quotas: SiteQuotas,
    profiles: Profiles,
    *,
    in_use: Mapping[CityId, int] | None,
    installed: int | None,
) -> Standing:
    """Put it together.

    Args:
        version: The newest version.
        quotas: The same, with lines and access.
        profiles: Of the file.
        in_use: Lines by city, None when nobody knows.
        installed: The version in Redis.
    """
    profile = profiles.get((version.site, version.profile))
    return Standing(
        site=version.site,
        version=version.version,
        installed=installed,
        profile=version.profile,
        changed=profile is None or profile.quotas != version.quotas,
        by=version.by,
        why=version.why,
        since=version.at,
        until=version.until,
        lines=quotas.lines,
        in_use=None if in_use is None else sum(in_use.values()),
        kept=None if in_use is None else _kept(quotas, in_use),
        cities=tuple(_city(city, quota, quotas, in_use) for city, quota in version.quotas.items()),
    )


def _city(city: CityId, quota: Quota, quotas: SiteQuotas, in_use: Mapping[CityId, int] | None) -> CityStanding:
    return CityStanding(
        city=city,
        in_use=None if in_use is None else in_use.get(city, 0),
        reserve=quota.reserve,
        cap=quota.cap,
        access=quotas.access.get(city, 0),
        free=None if in_use is None else free_for(quotas, in_use, city),
    )


def free_for(quotas: SiteQuotas, in_use: Mapping[CityId, int], city: CityId) -> int:
    """Count how many more calls of a city `may_admit` would let in, one after the other."""
    used = in_use.get(city, 0)
    own = quotas.quotas.get(city)
    kept_for_others = _kept(quotas, in_use) - (max(0, own.reserve - used) if own else 0)
    return max(0, min(quotas.limit(city) - used, quotas.lines - sum(in_use.values()) - kept_for_others))


def _kept(quotas: SiteQuotas, in_use: Mapping[CityId, int]) -> int:
    return sum(max(0, quota.reserve - in_use.get(city, 0)) for city, quota in quotas.quotas.items())
