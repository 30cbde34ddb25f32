"""The room's tables: versions of each site's quotas (rows are only ever added), and the usual calls of cities."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from tieline.database import Connection, metadata
from tieline.model import CityId, SiteId
from trunk_config.quota import Quota
from trunk_config.usual import Cell, Learned
from trunk_config.versions import QuotaVersion

_versions: Final = sa.Table(
    "quota_version",
    metadata,
    sa.Column("site", sa.String(32), primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("profile", sa.String(80), nullable=False),
    sa.Column("quotas", sa.JSON, nullable=False),
    sa.Column("by", sa.String(120), nullable=False),
    sa.Column("why", sa.String(400), nullable=False),
    sa.Column("at", sa.Double, nullable=False),
    sa.Column("until", sa.Double),
    sa.Column("returns_to", sa.Integer),
)
"""Two changes at once cannot both become the next version: the key is (site, version)."""


_usual: Final = sa.Table(
    "usual",
    metadata,
    sa.Column("city", sa.String(32), primary_key=True),
    sa.Column("weekday", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("hour", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("calls", sa.Double, nullable=False),
    sa.Column("last_hour", sa.Integer, nullable=False),
)
"""Only a city's home site writes its rows."""


def add_version(connection: Connection, version: QuotaVersion) -> None:
    """Add the next version.

    Raises:
        StatementRefused: There is one with this number (as the transaction ends).
    """
    connection.execute(_versions.insert().values(**_row(version)))


def add_first(connection: Connection, version: QuotaVersion) -> bool:
    """Add a site's first version unless it has one; tells whether it was added."""
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    adding = insert(_versions).values(**_row(version)).on_conflict_do_nothing().returning(_versions.c.version)
    return connection.execute(adding).first() is not None


def fetch_newest(connection: Connection, site: SiteId, *, lock: bool = False) -> QuotaVersion | None:
    """Fetch the version in force, or None when the site has none.

    Args:
        connection: From `Database.transaction`.
        site: Whose.
        lock: Let others who lock wait until our transaction ends. The site's first row is what is locked; the newest
            one is read after that, so that it is the newest indeed (on SQLite writers take turns anyhow).
    """
    of_site = _versions.c.site == site
    if lock:
        connection.execute(sa.select(_versions.c.version).where(of_site, _versions.c.version == 1).with_for_update())
    found = fetch_history(connection, site, newest=1)
    return found[0] if found else None


def fetch_history(connection: Connection, site: SiteId, *, newest: int) -> Sequence[QuotaVersion]:
    """Fetch a site's versions, the newest first, at most `newest`."""
    chosen = sa.select(_versions).where(_versions.c.site == site).order_by(_versions.c.version.desc()).limit(newest)
    return [_version(row) for row in connection.execute(chosen).mappings()]


def fetch_versions(connection: Connection, site: SiteId, numbers: Iterable[int]) -> dict[int, QuotaVersion]:
    """Fetch some versions of a site by their numbers; those that do not exist are missing."""
    wanted = _versions.c.version.in_(list(numbers))
    found = connection.execute(sa.select(_versions).where(_versions.c.site == site, wanted)).mappings()
    return {row["version"]: _version(row) for row in found}


def fetch_usual(connection: Connection) -> dict[Cell, Learned]:
    """Fetch all that was learned of usual calls."""
    rows = connection.execute(sa.select(_usual))
    return {Cell(CityId(row.city), row.weekday, row.hour): Learned(row.calls, row.last_hour) for row in rows}


def add_lesson(connection: Connection, cell: Cell, learned: Learned) -> None:
    """Write what was learned of a cell, unless the same hour or a later one is in it already."""
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    statement = insert(_usual).values(**cell._asdict(), calls=learned.calls, last_hour=learned.last_hour)
    fresh = {"calls": learned.calls, "last_hour": learned.last_hour}
    older = _usual.c.last_hour < learned.last_hour
    key = [_usual.c.city, _usual.c.weekday, _usual.c.hour]
    connection.execute(statement.on_conflict_do_update(index_elements=key, set_=fresh, where=older))


def _row(version: QuotaVersion) -> dict[str, Any]:
    quotas = {city: [quota.reserve, quota.cap] for city, quota in version.quotas.items()}
    return {
        "site": version.site,
        "version": version.version,
        "profile": version.profile,
        "quotas": quotas,
        "by": version.by[:120],
        "why": version.why,
        "at": version.at,
        "until": version.until,
        "returns_to": version.returns_to,
    }


def _version(row: sa.RowMapping) -> QuotaVersion:
    quotas = {CityId(city): Quota(reserve, cap) for city, (reserve, cap) in row["quotas"].items()}
    return QuotaVersion(**{**row, "quotas": quotas})
