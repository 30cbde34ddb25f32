"""The room's tables: versions of the ladders (rows are only ever added), and callers to be called back."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Final

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from routing.callback import Callback, State
from routing.ladder_versions import LadderVersion
from tieline.database import Connection, metadata
from tieline.model import CallId, SiteId

_versions: Final = sa.Table(
    "ladder_version",
    metadata,
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("by", sa.String(120), nullable=False),
    sa.Column("why", sa.String(400), nullable=False),
    sa.Column("at", sa.Double, nullable=False),
)
"""Two changes at once cannot both become the next version: the number is the key."""

NEWEST_AT_MOST: Final = 1000

_callbacks: Final = sa.Table(
    "callback",
    metadata,
    sa.Column("call_id", sa.String(128), primary_key=True),
    *(sa.Column(name, sa.String(32), nullable=False) for name in ("site", "city", "trunk", "number")),
    *(sa.Column(name, sa.String(32), nullable=False) for name in ("dialect", "business", "why", "state")),
    *(sa.Column(name, sa.Double, nullable=False) for name in ("since", "made_at", "next_at", "ended_at")),
    sa.Column("tries", sa.Integer, nullable=False),
)
sa.Index("ix_callback_site_state", _callbacks.c.site, _callbacks.c.state)


def add_version(connection: Connection, version: LadderVersion) -> None:
    """Add the next version.

    Raises:
        StatementRefused: There is one with this number (as the transaction ends).
    """
    connection.execute(_versions.insert().values(**asdict(version)))


def fetch_history(connection: Connection, *, newest: int) -> Sequence[LadderVersion]:
    """Fetch versions, the newest first, at most `newest`."""
    chosen = sa.select(_versions).order_by(_versions.c.version.desc()).limit(newest)
    return [LadderVersion(**row) for row in connection.execute(chosen).mappings()]


def fetch_version(connection: Connection, number: int) -> LadderVersion | None:
    """Fetch one version, or None when it does not exist."""
    row = connection.execute(sa.select(_versions).where(_versions.c.version == number)).mappings().one_or_none()
    return LadderVersion(**row) if row else None


def fetch_newest_number(connection: Connection) -> int:
    """Fetch the number of the newest version, 0 when there is none."""
    return connection.scalar(sa.select(sa.func.max(_versions.c.version))) or 0


def put_callback(connection: Connection, entry: Callback) -> None:
    """Write an entry; one that has ended in SQL does not open again."""
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    row = {name: _plain(value) for name, value in msgspec.structs.asdict(entry).items()}
    fresh = {name: row[name] for name in ("state", "tries", "next_at", "ended_at")}
    statement = insert(_callbacks).values(**row)
    is_open = _callbacks.c.state == str(State.OPEN)
    connection.execute(statement.on_conflict_do_update(index_elements=["call_id"], set_=fresh, where=is_open))


def fetch_callback(connection: Connection, call_id: CallId) -> Callback | None:
    """Fetch the entry of a call, for a change: others who want it wait until our transaction ends."""
    chosen = sa.select(_callbacks).where(_callbacks.c.call_id == call_id).with_for_update()
    row = connection.execute(chosen).mappings().one_or_none()
    return _callback(row) if row else None


def fetch_callbacks(
    connection: Connection, *, site: SiteId | None = None, is_open: bool = True
) -> Sequence[Callback]:
    """Fetch entries, of one site or of all, the oldest place first; those that ended on wish, the newest only."""
    chosen = sa.select(_callbacks).order_by(_callbacks.c.since, _callbacks.c.call_id)
    if site is not None:
        chosen = chosen.where(_callbacks.c.site == site)
    if is_open:
        chosen = chosen.where(_callbacks.c.state == str(State.OPEN))
    else:
        newest = sa.select(_callbacks.c.call_id).order_by(_callbacks.c.made_at.desc()).limit(NEWEST_AT_MOST)
        chosen = chosen.where(_callbacks.c.call_id.in_(newest.scalar_subquery()))
    return [_callback(row) for row in connection.execute(chosen).mappings()]


def _callback(row: sa.RowMapping) -> Callback:
    return msgspec.convert({str(name): value for name, value in row.items()}, Callback)


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, str) else value
