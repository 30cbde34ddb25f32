"""What share of its calls each city loses under the reserve rule, exactly. Pure.

Let a city that uses n of the site's lines have e = max(0, n - reserve) *shared* ones. The rule admits a call just
when afterwards every city is within its limit and the cities together have no more shared lines than there are: the
site's lines less all reserves. So the states that can be reached are those

    n(c) <= limit(c) for each city c, and  Σ e(c) <= lines - Σ reserve(c)

and a departure never leads out of them. Such a set is coordinate convex: with Poisson arrivals its states have
product form, Π A(c)^n(c) / n(c)! up to a constant, whatever the distribution of the holding times. What is summed
over the states is summed by convolution over the shared lines, city after city.

Callers who try again are no Poisson arrivals, so for a load that holds them this is an approximation;
`tieline bench quota` tells how good it is.

Source:
    F. Kamoun, L. Kleinrock, IEEE Trans. Communications 28 (1980) p. 992, "sharing with minimum allocation";
    J. S. Kaufman, IEEE Trans. Communications 29 (1981) p. 1474, coordinate convex policies and insensitivity.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from tieline.model import CityId
from trunk_config.quota import SiteQuotas

_HALVINGS: Final = 60


@dataclass(frozen=True, slots=True)
class _City:
    """One city's factor of the product.

    Attributes:
        by_shared: Weight of the states with 0, 1, 2, … shared lines, up to the city's limit or all that there are.
        at_reserve: The part of `by_shared[0]` in which one call more would need a shared line or break the limit.
    """

    by_shared: Sequence[float]
    at_reserve: float


def site_loss(quotas: SiteQuotas, loads: Mapping[CityId, float]) -> Mapping[CityId, float]:
    """Give the loss of each city that has a quota, 0 to 1: the probability that a call of it is refused.

    Args:
        quotas: The reserves must fit into the lines.
        loads: Offered load by city, Erlang; a city that is missing offers none.

    Raises:
        ValueError: The reserves are more than the lines.
    """
    shared = quotas.lines - sum(quota.reserve for quota in quotas.quotas.values())
    if shared < 0:
        raise ValueError(f"the reserves at {quotas.site} are more than its {quotas.lines} lines")
    tilt = _tilt(quotas, loads, shared)
    cities = {city: _city(quotas, city, loads.get(city, 0.0), shared, tilt) for city in quotas.quotas}
    earlier: list[Sequence[float]] = [(1.0,)]
    for city in cities.values():
        earlier.append(_convolved(earlier[-1], city.by_shared, shared))
    later: Sequence[float] = (1.0,)
    found: dict[CityId, float] = {}
    for (name, city), before in zip(reversed(cities.items()), reversed(earlier[:-1]), strict=True):
        found[name] = _loss(city, _convolved(before, later, shared), shared, tilt)
        later = _convolved(later, city.by_shared, shared)
    return {name: found[name] for name in cities}


def _loss(city: _City, others: Sequence[float], shared: int, tilt: float) -> float:
    """Divide the weight of the states that refuse a city by the weight of all states; takes the tilt out again."""
    up_to: list[float] = []  # weight of the other cities having at most so many shared lines
    for used in range(shared + 1):
        here = others[used] if used < len(others) else 0.0
        up_to.append(here + (tilt * up_to[-1] if up_to else 0.0))
    every = sum(weight * up_to[shared - used] for used, weight in enumerate(city.by_shared))
    last = len(city.by_shared) - 1
    refusing = 0.0
    for used, weight in enumerate((city.at_reserve, *city.by_shared[1:])):
        if used == last:  # at its limit, or alone on all shared lines: refused whatever the others do
            refusing += weight * up_to[shared - used]
        elif shared - used < len(others):
            refusing += weight * others[shared - used]
    return refusing / every


def _city(quotas: SiteQuotas, city: CityId, load: float, shared: int, tilt: float) -> _City:
    limit = quotas.limit(city)
    kept = min(quotas.quotas[city].reserve, limit)
    most = min(limit, kept + shared)
    if not load:
        return _City((1.0, *(0.0 for _ in range(kept, most))), 0.0 if kept else 1.0)
    logs = [
        used * math.log(load) - math.lgamma(used + 1) + max(0, used - kept) * math.log(tilt)
        for used in range(most + 1)
    ]
    greatest = max(logs)
    weights = [math.exp(log - greatest) for log in logs]
    return _City((sum(weights[: kept + 1]), *weights[kept + 1 :]), weights[kept])


def _tilt(quotas: SiteQuotas, loads: Mapping[CityId, float], shared: int) -> float:
    """Choose the factor for each shared line that brings the cities' weights to where the lines are just full.

    Only for the sake of floating point: in a surge the likely states of the single cities are so far from those that
    fit together that their weights would vanish.
    """

    def wanted(factor: float) -> float:
        return sum(
            max(0.0, min(loads.get(city, 0.0) * factor, quotas.limit(city)) - quota.reserve)
            for city, quota in quotas.quotas.items()
        )

    if wanted(1.0) <= shared:
        return 1.0
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if wanted(middle) <= shared else (low, middle)
    return high


def _convolved(a: Sequence[float], b: Sequence[float], most: int) -> Sequence[float]:
    """Convolve two lists of weights up to an index; scaled to a greatest weight of 1, as only ratios count."""
    joined = [0.0] * min(len(a) + len(b) - 1, most + 1)
    for i, weight in enumerate(a):
        if weight:
            for j in range(min(len(b), len(joined) - i)):
                joined[i + j] += weight * b[j]
    greatest = max(joined)
    return [weight / greatest for weight in joined]
