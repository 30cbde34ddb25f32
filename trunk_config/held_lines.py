"""The lines in use at a site, and the reserve rule as admission keeps it: a few sums, kept up to date. Pure.

`trunk_config.quota.may_admit` is the rule as one reads it: it looks at every city. Here what the cities have
reserved and do not use is one number, so a decision costs the same for ten cities and for a thousand. The Lua step
in `trunk_config.admission` keeps the same numbers in Redis; this class is its model, and what the simulation of
`tieline bench quota` runs.
"""

from tieline.model import CityId
from trunk_config.quota import SiteQuotas


class HeldLines:
    """Lines in use, by city.

    Attributes:
        in_use: By city, every city that has a quota.
        total: Lines in use at the site.
        short: Sum over the cities of what they have reserved and do not use.
    """

    __slots__ = ("_limits", "_lines", "_reserves", "in_use", "short", "total")

    def __init__(self, quotas: SiteQuotas) -> None:
        self._lines = quotas.lines
        self._reserves = {city: quota.reserve for city, quota in quotas.quotas.items()}
        self._limits = {city: quotas.limit(city) for city in quotas.quotas}
        self.in_use = dict.fromkeys(quotas.quotas, 0)
        self.total = 0
        self.short = sum(self._reserves.values())

    def admit(self, city: CityId) -> bool:
        """Take a line for a city if the rule lets it; tell whether it did."""
        used = self.in_use.get(city)
        if used is None or used >= self._limits[city]:
            return False
        reserve = self._reserves[city]
        own = reserve - used if used < reserve else 0
        if self.total + self.short - own >= self._lines:
            return False
        self.in_use[city] = used + 1
        self.total += 1
        if own:
            self.short -= 1
        return True

    def release(self, city: CityId) -> None:
        """Give a line of a city back.

        Raises:
            ValueError: The city has none in use. Our bug.
        """
        used = self.in_use.get(city, 0)
        if not used:
            raise ValueError(f"{city} has no line in use")
        self.in_use[city] = used - 1
        self.total -= 1
        if used <= self._reserves[city]:
            self.short += 1
