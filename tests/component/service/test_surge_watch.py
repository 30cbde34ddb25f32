"""The watch on a real Redis and both databases: states told once, hours learned once, restarts that lose nothing."""

from datetime import datetime
from pathlib import Path

import pytest

from service.surge_watch import SurgeWatch
from tests.support.redis_server import RedisServer
from tests.unit.trunk_config.network import PROFILES, TOPOLOGY
from tieline import bus
from tieline.clock import CHINA
from tieline.database import Database, create_schema
from tieline.live import EVENTS, Live
from tieline.model import CityId, SiteId
from trunk_config.store import add_lesson, fetch_usual
from trunk_config.surge import State
from trunk_config.surge_live import SURGE, read_states
from trunk_config.surge_rules import load_surge_rules
from trunk_config.usual import Cell, Learned

pytestmark = pytest.mark.component


RULES = load_surge_rules(PROFILES)
FUZHOU, PUTIAN = CityId("fuzhou"), CityId("putian")
HALF_PAST = datetime(2026, 11, 21, 15, 30, tzinfo=CHINA).timestamp()
"""A Saturday."""


class Street:
    """A watch, a clock, and callers.

    Args:
        live: The site's Redis.
        database: Keeps the usual.
    """

    def __init__(self, live: Live, database: Database) -> None:
        self.now = HALF_PAST
        self._parts = (live, database)
        self.watch = self.restarted()

    def restarted(self) -> SurgeWatch:
        """Begin a new watch, as after a restart of the process."""
        live, database = self._parts
        self.watch = SurgeWatch(SiteId("fuzhou"), TOPOLOGY, RULES, live, database, lambda: self.now)
        return self.watch

    def call(self, city: str, times: int = 1) -> None:
        """Let a city call now."""
        for number in range(times):
            arrived = bus.CallArrived(
                at=self.now, call_id=f"fuzhou-1:{number}", node="fuzhou-1", channel="c", uniqueid="u", city=city,
                number_state="shown", refused_cause=34 if number % 2 else 0,
            )  # fmt: skip
            self.watch.take(arrived)

    async def minutes(self, count: int, *, calls: int = 0) -> None:
        """Let minutes go by with so many calls of Fuzhou in each."""
        for _ in range(count):
            self.now += 60
            self.call("fuzhou", calls)
            await self.watch.look()
            await self.watch.learn()


@pytest.fixture
def street(live: Live, database: Database) -> Street:
    return Street(live, database)


async def told(live: Live, city: str) -> list[tuple[str, str]]:
    events = [bus.decode_event(raw) for _, raw in await live.read(EVENTS, "0-0", block_ms=1)]
    return [
        (event.state, event.proposal)
        for event in events
        if isinstance(event, bus.SurgeChanged) and event.city == city
    ]


async def test_a_surge_is_told_once_with_its_proposal_and_so_is_its_end(street: Street, live: Live) -> None:
    await street.watch.look()
    street.call("fuzhou", 200)
    street.call("xiamen", 200)  # not our own city
    for _ in range(3):
        await street.watch.look()
    assert await read_states(live) == {
        city.id: State.SURGE if city.id == FUZHOU else State.CALM
        for city in TOPOLOGY.cities.values()
        if city.home == "fuzhou"
    }
    assert await told(live, "fuzhou") == [("calm", ""), ("surge", "divert xiamen")]
    street.call("putian", 200)
    await street.watch.look()
    assert (await told(live, "fuzhou"))[-1] == ("surge", "profile typhoon")
    assert (await told(live, "putian"))[-1] == ("surge", "profile typhoon")
    assert len(await told(live, "ningde")) == 1
    await street.minutes(20)
    assert (await told(live, "fuzhou"))[-2:] == [("rising", ""), ("calm", "")]
    assert await told(live, "xiamen") == []


async def test_calls_before_the_first_look_and_a_restart_are_not_forgotten(street: Street, live: Live) -> None:
    street.call("fuzhou", 100)
    street.restarted()
    street.call("fuzhou", 60)
    await street.watch.look()
    states = [await read_states(live)]
    street.restarted()
    street.call("fuzhou", 60)
    await street.watch.look()
    states.append(await read_states(live))
    assert [state[FUZHOU] for state in states] == [State.RISING, State.SURGE]
    street.restarted()
    await street.watch.look()
    assert [state for state, _ in await told(live, "fuzhou")] == ["rising", "surge"]


async def test_a_calm_hour_is_learned_once_and_used(street: Street, database: Database) -> None:
    await street.minutes(30)
    await street.minutes(61, calls=2)
    with database.transaction(reading=True) as connection:
        rows = fetch_usual(connection)
    cell = Cell(FUZHOU, 5, 16)
    assert rows[cell].calls == 120.0
    assert rows[Cell(PUTIAN, 5, 16)].calls == 0.0
    with database.transaction() as connection:
        add_lesson(connection, cell, Learned(900.0, rows[cell].last_hour))
        add_lesson(connection, cell, Learned(900.0, rows[cell].last_hour - 1))
        assert fetch_usual(connection)[cell] == rows[cell]


async def test_what_was_learned_is_the_measure_after_a_restart(
    street: Street, live: Live, database: Database
) -> None:
    with database.transaction() as connection:
        add_lesson(connection, Cell(FUZHOU, 5, 15), Learned(60.0, 1))  # five in five minutes
    await street.watch.learn()
    street.call("fuzhou", 25)
    await street.watch.look()
    assert (await read_states(live))[FUZHOU] is State.SURGE


async def test_an_hour_of_surge_is_learned_by_little(street: Street, database: Database) -> None:
    await street.minutes(30)
    await street.minutes(61, calls=40)
    with database.transaction(reading=True) as connection:
        rows = fetch_usual(connection)
    [putian] = [learned.calls for cell, learned in rows.items() if cell.city == PUTIAN]
    [fuzhou] = [learned.calls for cell, learned in rows.items() if cell.city == FUZHOU]
    assert putian == 0
    assert fuzhou == pytest.approx(1.15 * 224, abs=2)  # of 2,400: the bound of 2.5 times the usual, by a tenth


async def test_lessons_wait_for_sql_and_states_for_nobody(
    street: Street, live: Live, database: Database, tmp_path: Path
) -> None:
    empty = Database(f"sqlite:///{tmp_path / 'empty.db'}")  # no table there: as good as away
    away = Street(live, empty)
    await away.minutes(30)
    await away.minutes(60, calls=2)
    assert away.watch.metrics()["lessons_unwritten"] == 5
    away.call("fuzhou", 300)
    await away.watch.look()
    assert (await read_states(live))[FUZHOU] is State.SURGE
    create_schema(empty)
    await away.watch.learn()
    assert away.watch.metrics()["lessons_unwritten"] == 0
    with empty.transaction(reading=True) as connection:
        assert fetch_usual(connection)[Cell(FUZHOU, 5, 16)].calls == 120.0
    empty.close()


async def test_a_redis_that_lost_everything_gets_the_states_again(
    street: Street, live: Live, server: RedisServer
) -> None:
    street.call("fuzhou", 200)
    await street.watch.look()
    server.stop()
    try:
        await street.watch.look()
        assert street.watch.counters["failures"] == 1
    finally:
        server.start()
    await street.watch.look()
    assert (await read_states(live))[FUZHOU] is State.SURGE


@pytest.mark.parametrize("row", ["", "wild 1", "surge", "surge now 1 2", b"\xff\xfe"])
async def test_a_row_that_is_none_is_calm_and_mended(street: Street, live: Live, row: str | bytes) -> None:
    await live.call("HSET", SURGE, "fuzhou", row)
    assert FUZHOU not in await read_states(live)
    await street.watch.look()
    assert (await read_states(live))[FUZHOU] is State.CALM
