"""The forecast of a site: lines that each city needs, and the loss to be expected under a set of quotas. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from tieline.errors import ConfigError, Problem
from tieline.faults import Faults
from tieline.model import CityId, SiteId
from tieline.topology import Topology
from trunk_config.erlang import lines_for
from trunk_config.profiles import Profile
from trunk_config.quota import SiteQuotas, site_quotas
from trunk_config.site_loss import site_loss
from trunk_config.versions import QuotaVersion

LOSS_GOAL: Final = 0.01
"""Share of calls that a city may lose in its busy hour."""


@dataclass(frozen=True, slots=True)
class CityForecast:
    """What is to be expected for one city.

    Attributes:
        load_erlang: Offered load.
        lines_needed: Fewest lines that would lose no more than `LOSS_GOAL` of it, were they the city's alone.
        reserve: Lines kept for it.
        limit: Lines it may use at most: its cap, or its access when that is smaller.
        loss: Share of its calls that is refused, 0 to 1.
    """

    city: CityId
    load_erlang: float
    lines_needed: int
    reserve: int
    limit: int
    loss: float


@dataclass(frozen=True, slots=True)
class Forecast:
    """What is to be expected at a site under one set of quotas.

    Attributes:
        name: Of the set.
        load_erlang: Offered load of all cities together.
        lines_in_use: Mean number of lines in use.
        loss: Share of all calls that is refused; 0 when nobody calls.
        cities: Those that have a quota, in the order of the set.
    """

    name: str
    load_erlang: float
    lines_in_use: float
    loss: float
    cities: tuple[CityForecast, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """The present quotas of a site beside proposed ones, under the same loads.

    Attributes:
        lines: Inbound channels of the site.
        loads_from: Where the loads come from, for people.
        factors: Cities whose load was multiplied, and by what.
        loss_goal: Share of calls that a city may lose.
        proposed: None when nothing was proposed.
    """

    site: SiteId
    lines: int
    loads_from: str
    factors: Mapping[CityId, float]
    present: Forecast
    proposed: Forecast | None = None
    loss_goal: float = LOSS_GOAL


def forecast(name: str, quotas: SiteQuotas, loads: Mapping[CityId, float]) -> Forecast:
    """Foretell a site's loss.

    Args:
        name: Of the set of quotas.
        quotas: In force or proposed; free of faults (`trunk_config.quota.faults`).
        loads: Offered load by city, Erlang; a city that is missing offers none.

    Raises:
        ConfigError: A city with load has no quota at the site.
    """
    strangers = [city for city, load in loads.items() if load and city not in quotas.quotas]
    if strangers:
        mend = "leave it out, or give it a quota"
        raise ConfigError(
            "loads", [Problem(city, f"no quota at {quotas.site} in {name}", mend) for city in strangers]
        )
    losses = site_loss(quotas, loads)
    cities = tuple(
        CityForecast(
            city=city,
            load_erlang=loads.get(city, 0.0),
            lines_needed=lines_for(loads.get(city, 0.0), LOSS_GOAL),
            reserve=quota.reserve,
            limit=quotas.limit(city),
            loss=losses[city],
        )
        for city, quota in quotas.quotas.items()
    )
    load = sum(city.load_erlang for city in cities)
    lost = sum(city.load_erlang * city.loss for city in cities)
    return Forecast(name, load, load - lost, lost / load if load else 0.0, cities)


def multiplied(loads: Mapping[CityId, float], factors: Mapping[CityId, float]) -> Mapping[CityId, float]:
    """Answer "what if Fuzhou x 12": the loads with some of them multiplied.

    Raises:
        ConfigError: A city with a factor has no load.
    """
    strangers = sorted(factors.keys() - loads.keys())
    if strangers:
        mend = "name a city with load"
        raise ConfigError("what-if", [Problem(city, "no load to multiply", mend) for city in strangers])
    return {city: load * factors.get(city, 1.0) for city, load in loads.items()}


def compare(
    topology: Topology,
    present: QuotaVersion,
    proposed: Profile | None,
    loads: Mapping[CityId, float],
    *,
    factors: Mapping[CityId, float],
    loads_from: str,
) -> Comparison:
    """Foretell the loss under the quotas in force and, beside it, under a profile.

    Raises:
        ConfigError: As `forecast` and `multiplied`, with the problems of all of them.
    """
    site, now, faults = present.site, loads, Faults()
    with faults.kept():
        now = multiplied(loads, factors)
    quotas = {f"{present.profile}, version {present.version}": present.quotas}
    if proposed:
        quotas[proposed.name] = proposed.quotas
    found: list[Forecast] = []
    for name, shares in quotas.items():
        with faults.kept():
            found.append(forecast(name, site_quotas(topology, site, shares), now))
    faults.refuse_if_any("forecast")
    in_force, other = found[0], found[1] if proposed else None
    return Comparison(site, topology.sites[site].lines, loads_from, factors, in_force, other)
