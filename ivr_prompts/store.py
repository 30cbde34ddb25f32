"""The room's table: the notice of each place that has one. Who wrote what before is in the audit trail."""

from collections.abc import Sequence
from typing import Final

import msgspec
import sqlalchemy as sa

from ivr_prompts.notice import Notice
from tieline.database import Connection, metadata

_notices: Final = sa.Table(
    "notice",
    metadata,
    sa.Column("city", sa.String(32), primary_key=True),
    sa.Column("county", sa.String(32), primary_key=True),
    sa.Column("cause", sa.String(48), nullable=False),
    sa.Column("until", sa.Double, nullable=False, index=True),
    sa.Column("by", sa.String(120), nullable=False),
    sa.Column("since", sa.Double, nullable=False),
)
"""`county` is empty for the whole city."""


def put_notice(connection: Connection, notice: Notice) -> Notice | None:
    """Write the notice of a place; gives the one whose place it takes."""
    former = take_notice(connection, notice.city, notice.county)
    connection.execute(_notices.insert().values(**msgspec.structs.asdict(notice)))
    return former


def take_notice(connection: Connection, city: str, county: str) -> Notice | None:
    """Remove the notice of a place; gives it, or None when there was none."""
    place = (_notices.c.city == city, _notices.c.county == county)
    row = connection.execute(_notices.delete().where(*place).returning(_notices)).mappings().one_or_none()
    return _notice(row) if row else None


def fetch_notices(connection: Connection, now: float) -> Sequence[Notice]:
    """Fetch the notices that hold at `now` (Unix seconds), by place."""
    holding = sa.select(_notices).where(_notices.c.until > now).order_by(_notices.c.city, _notices.c.county)
    return [_notice(row) for row in connection.execute(holding).mappings()]


def _notice(row: sa.RowMapping) -> Notice:
    return Notice(**{str(name): value for name, value in row.items()})
