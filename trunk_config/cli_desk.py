"""Opens the desks of the sites for the command line."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager

from tieline import secrets_file
from tieline.database import Database, create_schema
from tieline.errors import ConfigError
from tieline.loopback import shift_loopback
from tieline.model import CityId, SiteId
from tieline.principal import Principal, os_principal
from tieline.refused import Kind, Refused
from tieline.settings import Settings
from tieline.site_live import open_live
from tieline.topology_file import load_topology
from trunk_config.change import Share, not_changed
from trunk_config.desk import Desk, audit_unreadable
from trunk_config.judge import check_site
from trunk_config.profiles import load_profiles
from trunk_config.shares import read_shares
from trunk_config.site_desk import SiteDesk


class Opener:
    """Opens desks; a site's Redis is asked from this machine, as the site's own clients do.

    Args:
        settings: Of the installation.
        database: With the schema made.

    Raises:
        ConfigError: Topology, quotas or secrets are faulty.
    """

    def __init__(self, settings: Settings, database: Database) -> None:
        self._settings = settings
        self._topology = shift_loopback(load_topology(settings.topology), settings.loopback_instance)
        self._profiles = load_profiles(settings.quotas, self._topology)
        self._secrets = secrets_file.load(settings.secrets)
        self._desk = Desk(database, self._topology, self._profiles)

    @classmethod
    @contextmanager
    def opened(cls, settings: Settings, changing: SiteId | None = None) -> Iterator["Opener"]:
        """Open the database, make what is missing of its schema, and close it in the end.

        Args:
            settings: Of the installation.
            changing: Whose quotas are about to be changed: a faulty file that prevents it is audited.

        Raises:
            TielineError: As the class, and as `create_schema`.
        """
        database = Database(settings.database_url, deadline_s=settings.sql_deadline_s)
        try:
            create_schema(database)
            try:
                opener = cls(settings, database)
            except ConfigError as error:
                if changing is not None:
                    with database.transaction() as connection:
                        audit_unreadable(connection, changing, os_principal(), error.problems)
                raise
            yield opener
        finally:
            database.close()

    @property
    def sites(self) -> Sequence[SiteId]:
        """Every site."""
        return list(self._topology.sites)

    @asynccontextmanager
    async def desk(self, site: SiteId, *, changing: bool = False) -> AsyncIterator[SiteDesk]:
        """Open a site's desk.

        Args:
            site: Which.
            changing: Something is about to be changed: the attempt is audited when there is no such site.

        Raises:
            Refused: There is no such site.
        """
        try:
            check_site(self._topology, site)
        except Refused as refused:
            if changing:
                await self._desk.note_unreadable(site, os_principal(), refused.problems)
            raise
        place = self._topology.sites[site]
        live = open_live(place, self._secrets.redis_password, deadline_s=self._settings.redis_deadline_s)
        try:
            yield SiteDesk(site, self._desk, live, self._topology, self._profiles)
        finally:
            await live.close()


async def read_or_refuse(desk: SiteDesk, words: Sequence[str], by: Principal) -> dict[CityId, Share]:
    """Read shares that were typed.

    Raises:
        Refused: With everything that cannot be read; the attempt is audited.
    """
    shares, problems = read_shares(words)
    if problems:
        await desk.note_unreadable(by, problems)
        raise not_changed(desk.site, Kind.UNREADABLE, problems)
    return shares
