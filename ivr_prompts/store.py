"""The room's table: the notice of each place that has one. Who wrote what before is in the audit trail."""

from collections.abc import Sequence
from typing import Final

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

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
    """Write the notice of a place; gives the one whose place it takes. Of two at once the later one stays."""
    row = connection.execute(sa.select(_notices).where(*_place(notice.city, notice.county))).mappings().one_or_none()
    values = msgspec.structs.asdict(notice)
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    keys = [_notices.c.city, _notices.c.county]
    connection.execute(insert(_notices).values(**values).on_conflict_do_update(index_elements=keys, set_=values))
    return _notice(row) if row else None


def take_notice(connection: Connection, city: str, county: str) -> Notice | None:
    """Remove the notice of a place; gives it, or None when there was none."""
    gone = _notices.delete().where(*_place(city, county)).returning(_notices)
    row = connection.execute(gone).mappings().one_or_none()
    return _notice(row) if row else None


def fetch_notices(connection: Connection, now: float) -> Sequence[Notice]:
    """Fetch the notices that hold at `now` (Unix seconds), by place."""
    holding = sa.select(_notices).where(_notices.c.until > now).order_by(_notices.c.city, _notices.c.county)
    return [_notice(row) for row in connection.execute(holding).mappings()]


def _place(city: str, county: str) -> tuple[sa.ColumnElement[bool], sa.ColumnElement[bool]]:
    return _notices.c.city == city, _notices.c.county == county


def _notice(row: sa.RowMapping) -> Notice:
    return Notice(**{str(name): value for name, value in row.items()})
