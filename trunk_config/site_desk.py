"""Quotas of one site: what the desk changes in SQL is put in force in the site's Redis at once."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from tieline.clock import Clock, system_clock
from tieline.errors import Problem, TielineError
from tieline.live import Live
from tieline.model import SiteId
from tieline.principal import Principal
from tieline.topology import Topology
from trunk_config.admission import in_use, maybe_version
from trunk_config.change import Change
from trunk_config.desk import Desk
from trunk_config.in_force import replace_in_force
from trunk_config.profiles import Profile, Profiles
from trunk_config.quota import site_quotas
from trunk_config.standing import Standing, standing
from trunk_config.versions import QuotaVersion


@dataclass(frozen=True, slots=True)
class Changed:
    """A change that was made.

    Attributes:
        in_force: False while the site's Redis is away or has just started; the site's keeper sees to it then.
    """

    version: QuotaVersion
    in_force: bool


class SiteDesk:
    """What the command line and the API offer.

    Args:
        site: One of the topology.
        desk: Changes quotas in SQL.
        live: The site's Redis.
        topology: The network.
        profiles: Of the file.
        clock: For tests.
    """

    def __init__(
        self,
        site: SiteId,
        desk: Desk,
        live: Live,
        topology: Topology,
        profiles: Profiles,
        *,
        clock: Clock = system_clock,
    ) -> None:
        self.site = site
        self._desk = desk
        self._live = live
        self._topology = topology
        self._profiles = profiles
        self._clock = clock

    @property
    def topology(self) -> Topology:
        """The network as it was last applied."""
        return self._topology

    @property
    def profiles(self) -> Sequence[Profile]:
        """The site's profiles, as in the file."""
        return [profile for (site, _), profile in self._profiles.items() if site == self.site]

    async def take_network(self, topology: Topology) -> None:
        """Go on with another network: other trunk groups are in service."""
        self._topology = topology
        self._desk.take_network(topology)

    async def newest(self) -> QuotaVersion:
        """Fetch the version that is to be in force; errors as `Desk.newest`."""
        return await self._desk.newest(self.site)

    async def history(self, *, newest: int) -> Sequence[QuotaVersion]:
        """Fetch the versions, the newest first; errors as `Desk.newest`."""
        return await self._desk.history(self.site, newest=newest)

    async def standing(self) -> Standing:
        """Tell how the site stands; without its Redis what is in use is unknown. Errors as `Desk.newest`."""
        version = await self.newest()
        used, installed = None, None
        with suppress(TielineError):
            used, installed = await in_use(self._live), await maybe_version(self._live)
        quotas = site_quotas(self._topology, self.site, version.quotas)
        return standing(version, quotas, self._profiles, in_use=used, installed=installed)

    async def change(self, change: Change, by: Principal) -> Changed:
        """Make a change and put it in force, from the next call on; errors as `Desk.change`."""
        version = await self._desk.change(change, by)
        in_force = False
        with suppress(TielineError):
            in_force = await replace_in_force(self._live, self._topology, version, now=self._clock())
        return Changed(version, in_force)

    async def note_unreadable(self, by: Principal, problems: Sequence[Problem]) -> None:
        """Audit an attempt that could not even be read as a change."""
        await self._desk.note_unreadable(self.site, by, problems)
