"""The room's tables: every call once, and for each call that needs one exactly one ticket.

Input comes at least once and from several witnesses. What makes it one: the call id is the primary key of `call`
and unique in `ticket`; whoever touches a call locks its row first, so two forwarders take turns.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, Final, TypeVar

import msgspec
import sqlalchemy as sa
from sqlalchemy import exc
from sqlalchemy.dialects import postgresql, sqlite

from crm_adapter.merging import by_call, merge
from crm_adapter.offered import HOUR_S, CityHour
from crm_adapter.policy import TicketPolicy, load_policy
from crm_adapter.record import LONGEST, CallRecord
from crm_adapter.refused import RefusedList, refused_list
from crm_adapter.rows import attempt_of, call_of, call_row, city_hour_of, ticket_of_row
from crm_adapter.stand_in import StandIns
from crm_adapter.ticket import Ticket, TicketState, followed, ticket_of
from tieline.clock import Clock, system_clock
from tieline.database import Connection, Database, metadata
from tieline.errors import TielineError
from tieline.model import Outcome

T = TypeVar("T")

_TEXT: Final = sa.String(LONGEST)

_calls: Final = sa.Table(
    "call",
    metadata,
    sa.Column("call_id", _TEXT, primary_key=True),
    sa.Column("v", sa.Integer, nullable=False),
    *(sa.Column(name, _TEXT, nullable=False) for name in ("node", "site", "uniqueid", "linkedid", "channel")),
    *(sa.Column(name, _TEXT, nullable=False) for name in ("city", "trunk", "number_state", "number", "dialect")),
    sa.Column("business", _TEXT, nullable=False),
    sa.Column("outcome", _TEXT, nullable=False),
    sa.Column("refused_cause", sa.Integer, nullable=False),
    sa.Column("agent", _TEXT, nullable=False),
    *(
        sa.Column(name, sa.Double, nullable=False)
        for name in ("arrived_at", "answered_at", "menu_done_at", "waiting_since", "agent_answered_at")
    ),
    sa.Column("hangup_at", sa.Double, nullable=False, index=True),
    sa.Column("hangup_cause", sa.Integer, nullable=False),
    sa.Column("hangup_source", _TEXT, nullable=False),
    sa.Column("estimated", sa.Boolean, nullable=False),
    sa.Column("legs", sa.JSON, nullable=False, server_default="[]"),
    sa.Column("rating", sa.Integer, nullable=False),
    sa.Column("recording", _TEXT, nullable=False),
    sa.Column("witness", _TEXT, nullable=False),
    sa.Column("net", sa.Boolean, nullable=False),
    sa.Column("called_back", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("raw_number", _TEXT, nullable=False),
    sa.Column("quota_version", sa.Integer, nullable=False, server_default="0"),
    sa.Column("lines_in_use", sa.Integer, nullable=False, server_default="0"),
    sa.Column("borrowed", sa.JSON, nullable=False),
)

_tickets: Final = sa.Table(
    "ticket",
    metadata,
    sa.Column("ticket", sa.String(32), primary_key=True),
    sa.Column("call_id", _TEXT, sa.ForeignKey(_calls.c.call_id), nullable=False, unique=True),
    sa.Column("kind", _TEXT, nullable=False),
    sa.Column("state", _TEXT, nullable=False),
    sa.Column("created_at", sa.Double, nullable=False, index=True),
    sa.Column("hangup_at", sa.Double, nullable=False),
    sa.Column("estimated", sa.Boolean, nullable=False),
    *(
        sa.Column(name, _TEXT, nullable=False)
        for name in ("site", "city", "dialect", "business", "outcome", "number_state", "number", "agent")
    ),
    sa.Column("net", sa.Boolean, nullable=False),
    sa.Column("stands_in_for", _TEXT, nullable=False, server_default=""),
)

sa.Index("ix_ticket_number", _tickets.c.number)

_attached: Final = sa.Table(
    "attached",
    metadata,
    sa.Column("call_id", _TEXT, sa.ForeignKey(_calls.c.call_id), primary_key=True),
    sa.Column("ticket", sa.String(32), sa.ForeignKey(_tickets.c.ticket), nullable=False, index=True),
)
"""Refused calls of numbers with an open ticket: they say that somebody still waits, and need none of their own."""

NEWEST_AT_MOST: Final = 1000


class RecordRefused(TielineError):
    """The database takes a value for wrong (not the whole statement, as when a table is missing)."""


class Store:
    """Calls and tickets in one database; its methods block no event loop.

    Args:
        database: With the schema made.
        policy: Which calls need a ticket.
        stand_ins: Which tickets are marked because another site than the business's own answered.
        clock: Gives a ticket's time of creation.
    """

    def __init__(
        self,
        database: Database,
        *,
        policy: TicketPolicy | None = None,
        stand_ins: StandIns | None = None,
        clock: Clock = system_clock,
    ) -> None:
        self._database = database
        self.policy = policy or load_policy()
        self._stand_ins = stand_ins or StandIns()
        self._clock = clock

    async def deliver(self, records: Iterable[CallRecord], *, again: bool = False) -> list[Ticket]:
        """Write calls and the tickets they need; delivering anything again changes nothing.

        A later witness is merged into the call. While its ticket is new it follows what is now known; a ticket
        never goes away because of a later witness, a person closes it.

        Returns:
            The tickets that this delivery made; when it may have been made before (`again`), those of then, too.

        Raises:
            RecordRefused: One of the records at least cannot be stored, now or later.
            TielineError: As `tieline.database.Database.transaction`; then nothing was written, or, after
                DeadlineExceeded, perhaps all of it: deliver again.
        """
        known = by_call(records)
        if not known:
            return []
        ordered = [known[call_id] for call_id in sorted(known)]  # one order of locks for all: no deadlock

        def work(connection: Connection) -> list[Ticket]:
            try:
                made, there = self._deliver(connection, ordered)
            except (exc.DataError, exc.IntegrityError) as error:
                raise RecordRefused(type(error).__name__) from None  # its text may hold values
            return made + there if again else made

        return await self._database.run(work)

    def _deliver(self, connection: Connection, records: Sequence[CallRecord]) -> tuple[list[Ticket], list[Ticket]]:
        _insert_missing(connection, _calls, [call_row(record) for record in records])
        ids = [record.call_id for record in records]
        stored = _fetch_calls(connection, _calls.c.call_id.in_(ids), lock=True)
        final = [merge(stored[record.call_id], record) for record in records]
        for record in final:
            if record != stored[record.call_id]:
                key = _calls.c.call_id == record.call_id
                connection.execute(_calls.update().where(key).values(**call_row(record)))
        tickets = self._put_tickets(connection, final)
        _attach(connection, [record for record in final if record.outcome is Outcome.REFUSED])
        return tickets

    def _put_tickets(self, connection: Connection, calls: Sequence[CallRecord]) -> tuple[list[Ticket], list[Ticket]]:
        """Write the tickets that calls need; gives those that are new, and those that were there."""
        chosen = sa.select(_tickets).where(_tickets.c.call_id.in_([call.call_id for call in calls]))
        there = {ticket.call_id: ticket for ticket in _found(chosen, ticket_of_row, connection)}
        now = self._clock()
        made: list[Ticket] = []
        for call in calls:
            kind = self.policy.kind_for(call)
            if kind is None:
                continue
            ticket = ticket_of(call, kind, now=now, stands_in_for=self._stand_ins.stands_in_for(call))
            old = there.get(call.call_id)
            if old is None:
                made.append(ticket)
            elif (kept := followed(old, ticket)) != old:
                key = _tickets.c.ticket == old.ticket
                connection.execute(_tickets.update().where(key).values(**msgspec.structs.asdict(kept)))
        _insert_missing(connection, _tickets, [msgspec.structs.asdict(ticket) for ticket in made])
        return made, list(there.values())

    async def recent_tickets(
        self, *, newest: int = 50, city: str | None = None, site: str | None = None
    ) -> list[Ticket]:
        """Fetch the newest tickets, the newest first, of one city or site or of all."""
        chosen = _newest(_tickets, newest, city, site).order_by(_tickets.c.created_at.desc(), _tickets.c.ticket)
        return await self._database.run(partial(_found, chosen, ticket_of_row), reading=True)

    async def recent_calls(
        self, *, newest: int = 50, city: str | None = None, site: str | None = None
    ) -> list[CallRecord]:
        """Fetch the calls that ended last, the last first, of one city or site or of all."""
        chosen = _newest(_calls, newest, city, site).order_by(_calls.c.hangup_at.desc(), _calls.c.call_id)
        return await self._database.run(partial(_found, chosen, call_of), reading=True)

    async def books(self, since: float, until: float) -> tuple[list[CallRecord], list[str]]:
        """Fetch what the ledger balances: calls that ended in a span of Unix time, and their tickets' call ids."""
        span = _calls.c.hangup_at.between(since, until)

        def fetch(connection: Connection) -> tuple[list[CallRecord], list[str]]:
            ticket_calls = sa.select(_tickets.c.call_id).join(_calls).where(span)
            return list(_fetch_calls(connection, span).values()), list(connection.scalars(ticket_calls))

        return await self._database.run(fetch, reading=True)

    async def refused(self, city: str, *, since: float) -> RefusedList:
        """List the numbers that a city refused since a Unix time."""
        found = partial(_found, _attempts(city, since), attempt_of)
        return refused_list(await self._database.run(found, reading=True))

    async def offered(self, since: float, until: float, *, site: str) -> list[CityHour]:
        """Count the calls that ended at a site in a span of Unix time, by city and by the hour in which they came."""
        counted = _city_hours().where(_calls.c.hangup_at.between(since, until), *_scope(_calls, None, site))

        return await self._database.run(partial(_found, counted, city_hour_of), reading=True)

    async def ping(self) -> None:
        """Ask the smallest question there is; raises as `deliver`."""
        await self._database.run(lambda connection: connection.execute(sa.select(1)), reading=True)


def _insert_missing(connection: Connection, table: sa.Table, rows: Sequence[dict[str, Any]]) -> None:
    """Insert rows, leaving alone those whose key is there.

    As one statement for many rows of parameters: SQLAlchemy then compiles it once for ever, which makes a delivery
    cost 0.3 instead of 0.8 ms of CPU a call in batches of eight.
    """
    if rows:
        insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
        connection.execute(insert(table).on_conflict_do_nothing(), rows)


def _found(chosen: sa.Select[Any], read: Callable[[sa.RowMapping], T], connection: Connection) -> list[T]:
    """Read every row of what was chosen."""
    return [read(row) for row in connection.execute(chosen).mappings()]


def _fetch_calls(
    connection: Connection, condition: sa.ColumnElement[bool], *, lock: bool = False
) -> dict[str, CallRecord]:
    statement = sa.select(_calls).where(condition).order_by(_calls.c.call_id)
    if lock:
        statement = statement.with_for_update()  # SQLite, where it means nothing, has one writer at a time
    return {record.call_id: record for record in _found(statement, call_of, connection)}


def _attach(connection: Connection, refused: Sequence[CallRecord]) -> None:
    """Attach refused calls to the newest open ticket of their number; one that is attached stays as it is."""
    numbers = {record.number for record in refused if record.number}
    if not numbers:
        return
    opened = sa.and_(_tickets.c.number.in_(numbers), _tickets.c.state != str(TicketState.CLOSED))
    ordered = sa.select(_tickets.c.number, _tickets.c.ticket).where(opened).order_by(_tickets.c.created_at)
    newest = {row.number: row.ticket for row in connection.execute(ordered)}
    rows = [
        {"call_id": record.call_id, "ticket": newest[record.number]} for record in refused if record.number in newest
    ]
    _insert_missing(connection, _attached, rows)


def _attempts(city: str, since: float) -> sa.Select[Any]:
    """Select what `Attempt` holds of the calls that a city refused, and of others by their numbers, in any city."""
    ended = _calls.c.hangup_at >= since
    refused = _calls.c.outcome == str(Outcome.REFUSED)
    of_city = sa.and_(ended, refused, _calls.c.city == city)
    numbers = sa.select(_calls.c.number).where(of_city, _calls.c.number != "")
    wanted = sa.or_(of_city, sa.and_(ended, sa.not_(refused), _calls.c.number.in_(numbers)))
    at = sa.case((_calls.c.arrived_at > 0, _calls.c.arrived_at), else_=_calls.c.hangup_at).label("at")
    ticket = sa.func.coalesce(_attached.c.ticket, "").label("ticket")
    return sa.select(_calls.c.number, at, _calls.c.outcome, ticket).join(_attached, isouter=True).where(wanted)


def _city_hours() -> sa.Select[Any]:
    """Select what `CityHour` holds; rounded half an hour down: SQLite lacks floor(), and PostgreSQL's cast rounds."""
    began = sa.case((_calls.c.arrived_at > 0, _calls.c.arrived_at), else_=_calls.c.answered_at)
    held = sa.and_(began > 0, began <= _calls.c.hangup_at, _calls.c.outcome != str(Outcome.REFUSED))
    came = sa.case((began > 0, began), else_=_calls.c.hangup_at)
    hour = sa.cast(sa.func.round(came / HOUR_S - 0.5), sa.Integer).label("hour")
    return (
        sa.select(
            _calls.c.city,
            hour,
            sa.func.count(sa.case((held, 1))).label("held"),
            sa.func.coalesce(sa.func.sum(sa.case((held, _calls.c.hangup_at - began))), 0.0).label("held_s"),
            sa.func.count(sa.case((sa.not_(held), 1))).label("others"),
        )
        .where(_calls.c.city != "")
        .group_by(_calls.c.city, hour)
    )


def _newest(table: sa.Table, newest: int, city: str | None, site: str | None) -> sa.Select[Any]:
    return sa.select(table).where(*_scope(table, city, site)).limit(min(newest, NEWEST_AT_MOST))


def _scope(table: sa.Table, city: str | None, site: str | None) -> list[sa.ColumnElement[bool]]:
    wanted = {"city": city, "site": site}
    return [table.c[name] == value for name, value in wanted.items() if value is not None]
