"""The room's tables: versions of the ladders (rows are only ever added)."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Final

import sqlalchemy as sa

from routing.ladder_versions import LadderVersion
from tieline.database import Connection, metadata

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
