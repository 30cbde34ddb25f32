"""The forecast of a site: lines that each city needs, and the loss to be expected under a set of quotas. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from tieline.model import CityId, SiteId
from trunk_config.erlang import lines_for
from trunk_config.quota import SiteQuotas
from trunk_config.site_loss import site_loss

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
        lines: Inbound channels of the site.
        cities: Those that have a quota, in the order of the set.
    """

    site: SiteId
    lines: int
    cities: tuple[CityForecast, ...]

    @property
    def load_erlang(self) -> float:
        """Offered load of all cities together."""
        return sum(city.load_erlang for city in self.cities)

    @property
    def lines_in_use(self) -> float:
        """Mean number of lines in use."""
        return sum(city.load_erlang * (1 - city.loss) for city in self.cities)

    @property
    def loss(self) -> float:
        """Share of all calls that is refused; 0 when nobody calls."""
        return 1 - self.lines_in_use / self.load_erlang if self.load_erlang else 0.0


def forecast(quotas: SiteQuotas, loads: Mapping[CityId, float]) -> Forecast:
    """Foretell a site's loss.

    Args:
        quotas: In force or proposed; free of faults (`trunk_config.quota.faults`).
        loads: Offered load by city, Erlang; a city that is missing offers none.

    Raises:
        ValueError: A city with load has no quota, or the reserves are more than the lines.
    """
    strangers = [city for city, load in loads.items() if load and city not in quotas.quotas]
    if strangers:
        raise ValueError(f"no quota at {quotas.site} for " + ", ".join(strangers))
    losses = site_loss(quotas, loads)
    return Forecast(
        quotas.site,
        quotas.lines,
        tuple(
            CityForecast(
                city=city,
                load_erlang=loads.get(city, 0.0),
                lines_needed=lines_for(loads.get(city, 0.0), LOSS_GOAL),
                reserve=quota.reserve,
                limit=quotas.limit(city),
                loss=losses[city],
            )
            for city, quota in quotas.quotas.items()
        ),
    )


def multiplied(loads: Mapping[CityId, float], factors: Mapping[CityId, float]) -> Mapping[CityId, float]:
    """Answer "what if Fuzhou x 12": the loads with some of them multiplied.

    Raises:
        ValueError: A city with a factor has no load.
    """
    strangers = factors.keys() - loads.keys()
    if strangers:
        raise ValueError("no load to multiply for " + ", ".join(sorted(strangers)))
    return {city: load * factors.get(city, 1.0) for city, load in loads.items()}
