"""The door to SQL: PostgreSQL, or SQLite when all runs on one machine. The ground floor's only SQLAlchemy.

The engine is synchronous: coroutines call `Database.run`, which works in a thread. Every transaction has a deadline
that holds even when the server is frozen, and what goes wrong comes out as an error of ours that says whether trying
again can help. Values never appear in messages: they may be personal.
"""

import asyncio
import math
import re
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

import sqlalchemy as sa
from sqlalchemy import event, exc
from sqlalchemy.engine import Connection as Connection  # what a room's store works on

from tieline.database_watch import Watch, Watcher
from tieline.errors import (
    AuthFailed,
    ConfigError,
    ConnectionLost,
    DeadlineExceeded,
    LocalProtocolError,
    Problem,
    TielineError,
)

SCHEMA_VERSION: Final = 1
"""Raised by one with every change to a table that exists already; then a migration must come along. A column that is
new and has a `server_default` is no such change: it is added to tables that lack it."""

POOL_SIZE: Final = 5

metadata: Final = sa.MetaData(
    naming_convention={
        "ix": "ix_%(column_0_N_label)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)
"""Every room's `store.py` puts its tables here."""

_schema_version: Final = sa.Table(
    "schema_version",
    metadata,
    sa.Column("only_row", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("version", sa.Integer, nullable=False),
)

_SCHEMA_LOCK: Final = 0x7469656C
"""Key of PostgreSQL's advisory lock while a schema is made: both sites may start at once."""

_DEADLINE_STATES: Final = frozenset(("57014", "55P03", "25P03"))
"""query_canceled (statement_timeout), lock_not_available, idle_in_transaction_session_timeout."""
_DEADLINE_CODES: Final = frozenset((sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED))
_NOT_LET_IN: Final = re.compile(r'authentication failed|FATAL:  role ".*" does not exist|no pg_hba\.conf entry')
"""A refused login has no SQLSTATE in psycopg: the text is all there is."""
_AGAIN_STATES: Final = frozenset(("40001", "40P01"))
"""serialization_failure, deadlock_detected."""

T = TypeVar("T")


class StatementRefused(LocalProtocolError):
    """The database refused a statement (constraint, syntax, type): our bug, or a value that must not pass."""


class Conflict(TielineError):
    """Two transactions got into each other's way; this one was undone."""

    retryable = True


class Database:
    """One database.

    Args:
        url: `sqlite:///path` or `postgresql+psycopg://user:password@host/name`.
        deadline_s: How long any one transaction may take, waiting for a free connection included, seconds. Making a
            new connection to PostgreSQL may take 2 s in any case, the least that psycopg allows.

    Raises:
        ConfigError: The URL cannot be used.
    """

    def __init__(self, url: str, *, deadline_s: float = 5.0) -> None:
        self.deadline_s = deadline_s
        self._url = _checked(url)
        self.is_sqlite = self._url.get_backend_name() == "sqlite"
        self._watcher = Watcher(deadline_s)
        self._in_this_thread = threading.local()
        self._engine = sa.create_engine(
            self._url,
            hide_parameters=True,
            pool_size=POOL_SIZE,
            max_overflow=0,
            pool_timeout=deadline_s,
            connect_args={"timeout": deadline_s} if self.is_sqlite else _postgres_options(deadline_s),
        )
        if self.is_sqlite:
            event.listen(self._engine, "connect", partial(_prepare_sqlite, deadline_s))
            event.listen(self._engine, "begin", _begin_sqlite)
        else:
            # First of all listeners: SQLAlchemy asks a new connection some questions, which can hang as well.
            event.listen(self._engine, "connect", self._seen, insert=True)
            event.listen(self._engine, "checkout", self._seen)

    def __repr__(self) -> str:
        """Show the URL without its password."""
        return f"Database({self._url.render_as_string(hide_password=True)})"

    @contextmanager
    def transaction(self, *, reading: bool = False) -> Iterator[Connection]:
        """Run statements in one transaction: all of them last, or none when an error leaves the block.

        Blocks: in a coroutine use `run`.

        Args:
            reading: Nothing will be written. On SQLite writers then do not wait for us.

        Raises:
            DeadlineExceeded: Too slow, or locked by another. Whether a commit got through is not known.
            ConnectionLost: The database is not there. The pool forgets its dead connections: try again.
            Conflict: Undone because of another transaction: try again.
            AuthFailed: User or password refused.
            StatementRefused: A statement is wrong or breaks a constraint.
        """
        outer: Watch | None = getattr(self._in_this_thread, "watch", None)
        watch = self._in_this_thread.watch = self._watcher.watch() if not self.is_sqlite else Watch(math.inf)
        try:
            with (
                self._engine.connect().execution_options(tieline_reading=reading) as connection,
                connection.begin(),
            ):
                yield connection
        except exc.SQLAlchemyError as error:
            # Without the cause: drivers put values into its text, and a log would show it with the traceback.
            raise self._mapped(error, watch) from None
        finally:
            watch.end()
            self._in_this_thread.watch = outer

    async def run(self, work: Callable[[Connection], T], *, reading: bool = False) -> T:
        """Run `work` in one transaction on a thread; the same errors as `transaction`.

        When the awaiting task is cancelled the transaction still ends by itself, one way or the other.
        """

        def in_thread() -> T:
            with self.transaction(reading=reading) as connection:
                return work(connection)

        return await asyncio.to_thread(in_thread)

    def close(self) -> None:
        """Close every pooled connection."""
        self._engine.dispose()
        self._watcher.close()

    def _seen(self, connection: Any, *_: object) -> None:
        watch: Watch | None = getattr(self._in_this_thread, "watch", None)
        if watch is not None:
            watch.over(connection.pgconn.socket)

    def _mapped(self, error: exc.SQLAlchemyError, watch: Watch) -> TielineError:
        if watch.struck or isinstance(error, exc.TimeoutError):
            return DeadlineExceeded("database", self.deadline_s)
        if not isinstance(error, exc.DBAPIError):
            return StatementRefused(f"{type(error).__name__}: {error}")
        reason = _first_line(error)
        state = getattr(error.orig, "sqlstate", None) or ""
        sqlite_code = getattr(error.orig, "sqlite_errorcode", 0) & 0xFF
        if state in _DEADLINE_STATES or sqlite_code in _DEADLINE_CODES or "timeout expired" in reason:
            return DeadlineExceeded("database", self.deadline_s)
        if state in _AGAIN_STATES:
            return Conflict(reason)
        if _NOT_LET_IN.search(reason):
            return AuthFailed(reason)
        if sqlite_code == sqlite3.SQLITE_ERROR:  # "SQL error or missing database": to Python an OperationalError
            return _refused(error, reason)
        if isinstance(error, (exc.OperationalError, exc.InterfaceError)) or error.connection_invalidated:
            return ConnectionLost(f"database: {reason}")
        return _refused(error, reason)


def create_schema(database: Database, *, version: int = SCHEMA_VERSION) -> None:
    """Make every table of `metadata` that is missing, and add new columns; safe to repeat, and from several at once.

    Only tables of stores that were imported are known to `metadata`.

    Raises:
        ConfigError: The database was made by another version of Tieline.
        TielineError: As `Database.transaction`.
    """
    with database.transaction() as connection:
        if not database.is_sqlite:
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_SCHEMA_LOCK)))
        _schema_version.create(connection, checkfirst=True)
        found = connection.scalar(sa.select(_schema_version.c.version))
        if found is not None and found != version:
            mend = "start the version of Tieline that made it" if found > version else "migrate it first"
            raise ConfigError(repr(database), [Problem("schema_version", f"{found} found, {version} expected", mend)])
        metadata.create_all(connection)
        _add_missing_columns(connection)
        if found is None:
            connection.execute(_schema_version.insert().values(only_row=1, version=version))


def _add_missing_columns(connection: Connection) -> None:
    """Add columns that tables made by an earlier Tieline lack; each must have a default, rows are there already."""
    there = sa.inspect(connection)
    for table in metadata.sorted_tables:
        known = {column["name"] for column in there.get_columns(table.name)}
        for column in table.columns:
            if column.name not in known:
                name = connection.dialect.identifier_preparer.format_table(table)
                made = sa.schema.CreateColumn(column).compile(dialect=connection.dialect)
                connection.exec_driver_sql(f"ALTER TABLE {name} ADD COLUMN {made}")


def _checked(url: str) -> sa.URL:
    try:
        parsed = sa.make_url(url)
    except exc.ArgumentError as error:
        raise ConfigError("database", [Problem("database_url", "is no URL", "write sqlite:///path")]) from error
    if parsed.drivername == "sqlite" and parsed.database and parsed.database != ":memory:":
        file = Path(parsed.database)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(mode=0o600)  # callers' numbers are in it; its WAL files get the same mode
        return parsed
    if parsed.drivername == "postgresql+psycopg":
        return parsed
    what = f"`{parsed.render_as_string(hide_password=True)}` is not a database we use"
    raise ConfigError("database", [Problem("database_url", what, "sqlite:///path or postgresql+psycopg://…")])


def _postgres_options(deadline_s: float) -> dict[str, Any]:
    limit_ms = math.ceil(deadline_s * 1000)
    return {
        "connect_timeout": max(2, math.ceil(deadline_s)),  # psycopg takes whole seconds, two at least
        "application_name": "tieline",
        "options": f"-c statement_timeout={limit_ms} -c lock_timeout={limit_ms}"
        f" -c idle_in_transaction_session_timeout={limit_ms * 2} -c timezone=UTC",
    }


def _prepare_sqlite(deadline_s: float, connection: sqlite3.Connection, _: object) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves, see _begin_sqlite
    connection.execute("PRAGMA synchronous=FULL").close()
    connection.execute("PRAGMA foreign_keys=ON").close()
    give_up = time.monotonic() + deadline_s
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL").close()
        except sqlite3.OperationalError as error:
            # A new file turns to WAL once; SQLite does not wait then, whatever the timeout, so we do.
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > give_up:
                raise
            time.sleep(0.01)
        else:
            return


def _begin_sqlite(connection: Connection) -> None:
    # A plain BEGIN takes the write lock at the first write and fails at once, without waiting, when another wrote
    # since our first read. Taking it at the start waits its turn instead.
    reading = connection.get_execution_options().get("tieline_reading")
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


def _refused(error: exc.DBAPIError, reason: str) -> StatementRefused:
    # "invalid input syntax for type integer: …" and its like quote the value.
    what = type(error.orig).__name__ if isinstance(error, exc.DataError) else reason
    return StatementRefused(f"{what} [{(error.statement or '')[:300]}]")


def _first_line(error: exc.DBAPIError) -> str:
    """Say what the driver said, without its DETAIL: that holds values."""
    return f"{type(error.orig).__name__}: {str(error.orig).partition(chr(10))[0]}"
