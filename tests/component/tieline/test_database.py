"""What `tieline.database` promises, on SQLite and on PostgreSQL alike."""

import asyncio
import os
import signal
import threading
import time
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.support.postgres_server import PostgresServer
from tieline import database as database_module
from tieline import store
from tieline.database import (
    SCHEMA_VERSION,
    Conflict,
    Connection,
    Database,
    StatementRefused,
    create_schema,
)
from tieline.errors import AuthFailed, ConfigError, ConnectionLost, DeadlineExceeded

pytestmark = pytest.mark.component

_things = sa.Table(
    "thing",
    sa.MetaData(),
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("name", sa.String(20), unique=True),
    sa.Column("parent", sa.ForeignKey("thing.id")),
)


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    opened = Database(url, deadline_s=2.0)
    with opened.transaction() as connection:
        _things.create(connection)
    yield opened
    opened.close()


def _count(connection: Connection) -> int:
    return connection.scalar(sa.select(sa.func.count()).select_from(_things)) or 0


def test_commits_all_or_nothing(database: Database) -> None:
    def half() -> None:
        with database.transaction() as connection:
            connection.execute(_things.insert().values(id=1))
            raise KeyError("in the middle")

    with pytest.raises(KeyError):
        half()
    with database.transaction() as connection:
        assert _count(connection) == 0
        connection.execute(_things.insert().values(id=2))
    with database.transaction(reading=True) as connection:
        assert _count(connection) == 1


async def test_runs_in_a_thread_beside_the_loop(database: Database) -> None:
    ran_in: list[str] = []

    def work(connection: Connection) -> int:
        ran_in.append(threading.current_thread().name)
        return _count(connection)

    assert await asyncio.gather(*(database.run(work) for _ in range(8))) == [0] * 8
    assert threading.current_thread().name not in ran_in


@pytest.mark.parametrize(
    "statement",
    [
        "SELEKT 1",
        "SELECT * FROM nowhere",
        "INSERT INTO thing (id, parent) VALUES (1, 77)",
        "INSERT INTO thing VALUES ()",
    ],
)
def test_refuses_wrong_statements(database: Database, statement: str) -> None:
    with pytest.raises(StatementRefused) as refused, database.transaction() as connection:
        connection.exec_driver_sql(statement)
    assert not refused.value.retryable


def test_errors_hold_no_values(database: Database) -> None:
    """Neither in their text nor in what a traceback would show besides."""
    secret = "139 0591 1234"
    with database.transaction() as connection:
        connection.execute(_things.insert().values(id=1, name=secret))

    def refusal(statement: str) -> str:
        with pytest.raises(StatementRefused) as refused, database.transaction() as connection:
            connection.execute(sa.text(statement), {"value": secret})
        return "".join(traceback.format_exception(refused.value))

    repeated = refusal("INSERT INTO thing (id, name) VALUES (2, :value)")
    assert "unique" in repeated.lower()
    assert "INSERT INTO thing" in repeated
    assert secret not in repeated
    if not database.is_sqlite:  # SQLite would compare a text with a number
        assert secret not in refusal("SELECT 1 FROM thing WHERE id = CAST(:value AS integer)")


def test_a_lock_held_too_long_is_a_deadline(database: Database, url: str) -> None:
    hasty = Database(url, deadline_s=0.3)
    with database.transaction() as holder:
        holder.execute(_things.insert().values(id=1))
        started = time.monotonic()
        with pytest.raises(DeadlineExceeded), hasty.transaction() as other:
            other.execute(_things.insert().values(id=1))
        assert 0.25 < time.monotonic() - started < 5
    hasty.close()


def test_waits_its_turn_when_another_wrote_after_our_first_read(database: Database) -> None:
    """SQLite would refuse at once ("database is locked") had we begun without the write lock."""
    started = threading.Barrier(2)

    def add(number: int) -> None:
        started.wait(5)
        for step in range(20):
            with database.transaction() as connection:
                taken = _count(connection)
                connection.execute(_things.insert().values(id=number * 1000 + step, name=f"{number}-{step}-{taken}"))

    with ThreadPoolExecutor(2) as threads:
        for done in [threads.submit(add, number) for number in (1, 2)]:
            done.result(20)
    with database.transaction(reading=True) as connection:
        assert _count(connection) == 40


def test_a_full_pool_is_a_deadline(url: str) -> None:
    database = Database(url, deadline_s=1.0)
    entered = [database.transaction(reading=True) for _ in range(database_module.POOL_SIZE)]
    for transaction in entered:
        transaction.__enter__()
    with pytest.raises(DeadlineExceeded), database.transaction(reading=True):
        pass
    for transaction in entered:
        transaction.__exit__(None, None, None)
    database.close()


def test_schema_is_made_once_and_by_many_at_once(url: str) -> None:
    databases = [Database(url) for _ in range(4)]
    with ThreadPoolExecutor(4) as threads:
        for made in [threads.submit(create_schema, database) for database in databases]:
            made.result(20)
    with databases[0].transaction() as connection:
        assert connection.exec_driver_sql("SELECT version FROM schema_version").scalars().all() == [SCHEMA_VERSION]
        assert store.fetch_tokens(connection) == []
    for database in databases:
        database.close()


@pytest.mark.parametrize(("made_by", "advice"), [(SCHEMA_VERSION + 1, "start the version"), (0, "migrate")])
def test_refuses_the_schema_of_another_version(url: str, made_by: int, advice: str) -> None:
    database = Database(url)
    create_schema(database, version=made_by)
    with pytest.raises(ConfigError, match=f"{made_by} found, {SCHEMA_VERSION} expected.*{advice}"):
        create_schema(database)
    database.close()


def test_nobody_there_is_connection_lost(tmp_path: Path) -> None:
    database = Database(f"postgresql+psycopg://x@/x?host={tmp_path}", deadline_s=0.5)
    with pytest.raises(ConnectionLost), database.transaction():
        pass
    folder = Database(f"sqlite:///{tmp_path / 'gone' / 'x.sqlite'}")
    (tmp_path / "gone" / "x.sqlite").unlink()
    (tmp_path / "gone").rmdir()
    with pytest.raises(ConnectionLost), folder.transaction():
        pass
    database.close()
    folder.close()


def test_a_killed_connection_is_lost_once_and_then_replaced(postgres: PostgresServer, postgres_url: str) -> None:
    database = Database(postgres_url)

    def die() -> None:
        with database.transaction() as connection:
            pid = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar()
            postgres.execute(f"SELECT pg_terminate_backend({pid})")
            connection.exec_driver_sql("SELECT 1")

    with pytest.raises(ConnectionLost) as lost:
        die()
    assert lost.value.retryable
    with database.transaction() as connection:
        assert connection.exec_driver_sql("SELECT 1").scalar() == 1
    database.close()


def test_a_slow_statement_is_ended_by_the_server(postgres_url: str) -> None:
    database = Database(postgres_url, deadline_s=1.0)
    with pytest.raises(DeadlineExceeded), database.transaction() as connection:
        connection.exec_driver_sql("SELECT pg_sleep(30)")
    with database.transaction() as connection:
        assert connection.exec_driver_sql("SELECT 1").scalar() == 1
    database.close()


def test_a_frozen_server_is_a_deadline(postgres_url: str) -> None:
    """The server's own limit cannot help here: our watch cuts the line."""
    database = Database(postgres_url, deadline_s=1.0)
    with database.transaction() as connection:
        pid = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar()
    assert isinstance(pid, int)
    os.kill(pid, signal.SIGSTOP)
    try:
        started = time.monotonic()
        with pytest.raises(DeadlineExceeded), database.transaction() as connection:
            connection.exec_driver_sql("SELECT 1")
        assert time.monotonic() - started < 5
    finally:
        os.kill(pid, signal.SIGCONT)
    with database.transaction() as connection:
        assert connection.exec_driver_sql("SELECT 1").scalar() == 1
    database.close()


def test_a_deadlock_is_a_conflict_for_one_of_two(postgres: PostgresServer, postgres_url: str) -> None:
    database = Database(postgres_url)
    with database.transaction() as connection:
        _things.create(connection)
        connection.execute(_things.insert(), [{"id": 1}, {"id": 2}])
    both_hold_one = threading.Barrier(2)

    def rename(first: int, second: int) -> str:
        try:
            with database.transaction() as connection:
                connection.execute(_things.update().where(_things.c.id == first).values(name=f"{first}"))
                both_hold_one.wait(5)
                connection.execute(_things.update().where(_things.c.id == second).values(name=f"{second}"))
        except Conflict as conflict:
            return "try again" if conflict.retryable else "give up"
        return "done"

    with ThreadPoolExecutor(2) as threads:
        ends = [threads.submit(rename, *pair) for pair in ((1, 2), (2, 1))]
        assert sorted(end.result(20) for end in ends) == ["done", "try again"]
    database.close()


def test_a_refused_user_is_auth_failed(postgres: PostgresServer, postgres_url: str) -> None:
    database = Database(postgres_url.replace("tieline@", "nobody@"))
    with pytest.raises(AuthFailed), database.transaction():
        pass
    database.close()


@pytest.mark.parametrize(
    "url", ["sqlite://", "sqlite:///:memory:", "mysql://u:geheim@h/d", "postgresql://u:geheim@h/d", "nonsense"]
)
def test_refuses_other_databases(url: str) -> None:
    with pytest.raises(ConfigError) as refused:
        Database(url)
    assert "geheim" not in str(refused.value)


def test_a_sqlite_file_is_its_owners_alone(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'x.sqlite'}")
    create_schema(database)
    with database.transaction() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
        assert {file.name: oct(file.stat().st_mode)[-3:] for file in tmp_path.iterdir()} == {
            "x.sqlite": "600",
            "x.sqlite-wal": "600",
            "x.sqlite-shm": "600",
        }
    database.close()
