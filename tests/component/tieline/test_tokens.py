"""Bearer tokens and the audit trail, on SQLite and on PostgreSQL alike."""

import os
import signal
from collections.abc import Iterator

import pytest

from tieline import audit, store
from tieline.database import Database, StatementRefused, create_schema
from tieline.errors import AuthFailed, ConnectionLost, DeadlineExceeded, LocalProtocolError
from tieline.model import CityId, SiteId
from tieline.principal import Principal, Role
from tieline.tokens import FRESH_S, STALE_S, Tokens

pytestmark = pytest.mark.component

BOSS = Principal(Role.ADMIN, None, None, "os:boss")
MONITOR = Principal(Role.MONITOR, CityId("fuzhou"), SiteId("xiamen"), "wall in 福州")


class Hands:
    """A clock that stands until moved."""

    at = 1000.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def clock() -> Hands:
    return Hands()


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    opened = Database(url)
    create_schema(opened)
    yield opened
    opened.close()


@pytest.fixture
def tokens(database: Database, clock: Hands) -> Tokens:
    return Tokens(database, clock=clock)


def _audit(database: Database) -> list[tuple[str, str, str, str]]:
    with database.transaction(reading=True) as connection:
        return [(row.who, row.action, row.subject, row.why) for row in store.fetch_audit(connection)]


async def test_a_token_names_its_principal(tokens: Tokens) -> None:
    made = tokens.new(MONITOR, by=BOSS)
    other = tokens.new(BOSS, by=BOSS)
    assert await tokens.verify(made.text) == MONITOR
    assert await tokens.verify(other.text) == BOSS
    assert made.text != other.text
    assert made.text not in repr(made)


def test_only_a_hash_is_stored(tokens: Tokens, database: Database) -> None:
    made = tokens.new(MONITOR, by=BOSS)
    (row,) = tokens.all()
    assert (row.id, row.name, row.role, row.city, row.site) == (made.id, MONITOR.name, "monitor", "fuzhou", "xiamen")
    assert (row.made_at, row.revoked_at) == (1000.0, None)
    with database.transaction(reading=True) as connection:
        dump = f"{row} {store.fetch_audit(connection)}"
    assert made.text not in dump
    assert made.text[4:] not in dump


async def test_what_is_no_token_is_refused(tokens: Tokens) -> None:
    for text in ("", "tl1_", "x", "tl1_" + "A" * 43, "tl1_" + "A" * 44, "' OR 1=1 --", "tl1_" + "é" * 43):
        with pytest.raises(AuthFailed):
            await tokens.verify(text)


async def test_a_revoked_token_is_refused_at_once_here_and_soon_elsewhere(
    tokens: Tokens, database: Database, clock: Hands
) -> None:
    elsewhere = Tokens(database, clock=clock)
    made = tokens.new(MONITOR, by=BOSS)
    await tokens.verify(made.text)
    await elsewhere.verify(made.text)
    assert tokens.revoke(made.id, by=BOSS, why="lost laptop")
    with pytest.raises(AuthFailed):
        await tokens.verify(made.text)
    clock.at += FRESH_S - 0.1
    assert await elsewhere.verify(made.text) == MONITOR
    clock.at += 0.2
    for _ in range(2):
        with pytest.raises(AuthFailed):
            await elsewhere.verify(made.text)
    assert not tokens.revoke(made.id, by=BOSS), "once is enough"
    assert not tokens.revoke("ffffffff", by=BOSS)
    assert [row[1:] for row in _audit(database)] == [
        ("token.revoke", f"token:{made.id}", "lost laptop"),
        ("token.new", f"token:{made.id}", ""),
    ]


async def test_a_clock_that_is_set_back_keeps_no_revoked_token_alive(
    tokens: Tokens, database: Database, clock: Hands
) -> None:
    elsewhere = Tokens(database, clock=clock)
    made = tokens.new(MONITOR, by=BOSS)
    await elsewhere.verify(made.text)
    assert tokens.revoke(made.id, by=BOSS)
    clock.at -= 3600.0
    with pytest.raises(AuthFailed):
        await elsewhere.verify(made.text)


async def test_who_was_known_goes_on_while_the_database_is_gone(clock: Hands, postgres_url: str) -> None:
    database = Database(postgres_url, deadline_s=1.0)
    create_schema(database)
    tokens = Tokens(database, clock=clock)
    known, unknown = tokens.new(MONITOR, by=BOSS), tokens.new(BOSS, by=BOSS)
    await tokens.verify(known.text)
    with database.transaction() as connection:
        pid = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar()
    assert isinstance(pid, int)
    os.kill(pid, signal.SIGSTOP)
    try:
        clock.at += STALE_S - 1
        assert await tokens.verify(known.text) == MONITOR
    finally:
        os.kill(pid, signal.SIGCONT)
    database.close()
    nowhere = Database("postgresql+psycopg://x@/x?host=/nowhere", deadline_s=0.2)
    away = Tokens(nowhere, clock=clock)
    away._known.update(tokens._known)
    assert await away.verify(known.text) == MONITOR
    with pytest.raises((ConnectionLost, DeadlineExceeded)):
        await away.verify(unknown.text)
    clock.at += 2
    with pytest.raises((ConnectionLost, DeadlineExceeded)):
        await away.verify(known.text)
    nowhere.close()


def test_refuses_names_that_would_not_show(tokens: Tokens) -> None:
    for name in ("", "a" * 81, "line\nbreak"):
        with pytest.raises(LocalProtocolError):
            tokens.new(Principal(Role.AGENT, None, None, name), by=BOSS)
    assert tokens.all() == []


def test_audit_keeps_before_after_and_why(database: Database, clock: Hands) -> None:
    with database.transaction() as connection:
        audit.record(
            connection,
            Principal(Role.OPERATOR, None, SiteId("fuzhou"), "林秀英"),
            "quota.change",
            "city:fuzhou",
            before={"cap": 60},
            after={"cap": 90, "地": ["福州", None]},
            why="台风 " + "x" * 500,
            clock=clock,
        )
        audit.record(connection, BOSS, "other", "city:xiamen", clock=clock)
    with database.transaction(reading=True) as connection:
        (row,) = store.fetch_audit(connection, subject="city:fuzhou")
        assert len(store.fetch_audit(connection)) == 2
        assert len(store.fetch_audit(connection, newest=1)) == 1
    assert (row.at, row.who, row.role, row.action) == (1000.0, "林秀英", "operator", "quota.change")
    assert (row.before, row.after) == ({"cap": 60}, {"cap": 90, "地": ["福州", None]})
    assert row.why.startswith("台风 x")
    assert len(row.why) == 400


def test_the_deed_and_its_line_last_together(database: Database) -> None:
    def fail() -> None:
        with database.transaction() as connection:
            audit.record(connection, BOSS, "quota.change", "city:fuzhou")
            raise KeyError("the deed failed")

    with pytest.raises(KeyError):
        fail()
    assert _audit(database) == []


@pytest.mark.parametrize("statement", ["DELETE FROM audit", "UPDATE audit SET who = 'nobody'", "TRUNCATE audit"])
def test_the_audit_trail_is_only_appended(database: Database, statement: str) -> None:
    with database.transaction() as connection:
        audit.record(connection, BOSS, "quota.change", "city:fuzhou")
    with pytest.raises(StatementRefused), database.transaction() as connection:
        connection.exec_driver_sql(statement)
    assert len(_audit(database)) == 1
