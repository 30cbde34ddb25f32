"""The site's copy of the notices: follows SQL, outlives it, and comes back after Redis."""

from pathlib import Path

import pytest

from ivr_prompts.notice import load_causes
from ivr_prompts.notice_desk import NoticeDesk
from ivr_prompts.notice_live import NOTICES, read_notices
from service.notice_keeper import NoticeKeeper
from tests.support.redis_server import RedisServer
from tieline import bus
from tieline.database import Database
from tieline.live import EVENTS, Live
from tieline.principal import Principal, Role
from tieline.topology_file import load_topology

pytestmark = pytest.mark.component


TOPOLOGY = load_topology(Path(__file__).parents[3] / "examples" / "fujian.toml")
ME = Principal(role=Role.OPERATOR, city=None, site=None, name="li")
START = 1_795_250_000.0


@pytest.fixture
def now() -> list[float]:
    return [START]


@pytest.fixture
def desk(database: Database, now: list[float]) -> NoticeDesk:
    return NoticeDesk(database, TOPOLOGY, load_causes(), clock=lambda: now[0])


@pytest.fixture
def keeper(live: Live, database: Database, now: list[float]) -> NoticeKeeper:
    return NoticeKeeper(live, database, lambda: now[0])


async def told(live: Live) -> list[tuple[str, str, str]]:
    events = [bus.decode_event(raw) for _, raw in await live.read(EVENTS, "0-0", block_ms=1)]
    return [(event.city, event.county, event.cause) for event in events if isinstance(event, bus.NoticeChanged)]


async def test_the_copy_follows_sql_and_each_change_is_told_once(
    live: Live, desk: NoticeDesk, keeper: NoticeKeeper, now: list[float]
) -> None:
    whole = desk.set("fuzhou", "", cause="storm", until=START + 3600, by=ME)
    mawei = desk.set("fuzhou", "mawei", cause="flood", until=START + 600, by=ME)
    for _ in range(3):
        await keeper.look()
    assert set(await read_notices(live)) == {whole, mawei}
    assert sorted(await told(live)) == [("fuzhou", "", "storm"), ("fuzhou", "mawei", "flood")]
    now[0] += 60
    newer = desk.set("fuzhou", "", cause="typhoon", until=START + 7200, by=ME)
    await keeper.look()
    assert set(await read_notices(live)) == {newer, mawei}
    desk.clear("fuzhou", "", by=ME)
    now[0] = START + 600
    await keeper.look()
    assert await live.call("EXISTS", NOTICES) == 0
    assert sorted((await told(live))[-2:]) == [("fuzhou", "", ""), ("fuzhou", "mawei", "")]


async def test_without_sql_the_copy_stays_and_ends_in_time(
    live: Live, desk: NoticeDesk, keeper: NoticeKeeper, now: list[float], tmp_path: Path
) -> None:
    notice = desk.set("xiamen", "", cause="ice", until=START + 600, by=ME)
    await keeper.look()
    nothing = Database(f"sqlite:///{tmp_path / 'empty.db'}")  # no table there: as good as away
    restarted = NoticeKeeper(live, nothing, lambda: now[0])
    await restarted.look()
    assert await read_notices(live) == (notice,)
    now[0] += 600
    await restarted.look()
    assert await read_notices(live) == ()
    assert restarted.counters["sql_failures"] == 2
    nothing.close()


async def test_a_redis_that_lost_the_copy_gets_it_again(
    live: Live, server: RedisServer, desk: NoticeDesk, keeper: NoticeKeeper
) -> None:
    notice = desk.set("xiamen", "siming", cause="ice", until=START + 600, by=ME)
    await keeper.look()
    server.stop()
    try:
        await keeper.look()
        assert keeper.counters["redis_failures"] == 1
    finally:
        server.start()
    await keeper.look()
    assert await read_notices(live) == (notice,)


async def test_a_copy_that_nobody_can_read_is_replaced(live: Live, keeper: NoticeKeeper) -> None:
    await live.call("HSET", NOTICES, "fuzhou", b"{\xff", "atlantis", "[]")
    assert await read_notices(live) == ()
    await keeper.look()
    assert await live.call("EXISTS", NOTICES) == 0
