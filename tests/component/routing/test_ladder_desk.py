"""Versions of the ladders in SQL: changed whole or not at all, audited, felt by a matcher that runs."""

import asyncio
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from routing.agents import load_agents
from routing.choice_numbers import CAME_LATER
from routing.ladder_desk import LONGEST, LadderDesk, shipped
from routing.ladder_follower import LadderFollower
from routing.ladder_versions import LadderVersion
from routing.ladders import LadderSet
from routing.store import add_version
from tieline.database import Database, create_schema
from tieline.model import CityId, SiteId
from tieline.principal import Principal, Role
from tieline.refused import Kind, Refused
from tieline.store import fetch_audit
from tieline.topology_file import load_topology

pytestmark = pytest.mark.component

EXAMPLES = Path(__file__).parents[3] / "examples"
TOPOLOGY = load_topology(EXAMPLES / "fujian.toml")
AGENTS = load_agents(EXAMPLES / "agents.toml", TOPOLOGY)
ADMIN = Principal(role=Role.ADMIN, city=None, site=None, name="mei")
SHIPPED = shipped().text
SLOWER = SHIPPED.replace("after_s = 8\n", "after_s = 9\n")


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = Database(f"sqlite:///{tmp_path / 'tieline.db'}")
    create_schema(made)
    yield made
    made.close()


@pytest.fixture
def desk(database: Database) -> LadderDesk:
    return LadderDesk(database, TOPOLOGY, AGENTS, clock=lambda: 1000.5)


def audited(database: Database) -> list[tuple[str, str, str]]:
    with database.transaction(reading=True) as connection:
        lines = fetch_audit(connection, subject="routing:ladders")
    return [(line.action, line.who, line.why) for line in reversed(lines)]


async def put(desk: LadderDesk, text: str = SLOWER, *, base: int | None = 0, by: Principal = ADMIN) -> LadderVersion:
    return await desk.put(text, why="wind", base=base, by=by)


def test_the_change_of_these_tests_is_one() -> None:
    assert SLOWER != SHIPPED


async def test_what_ships_is_in_force_until_a_version_is_put_and_comes_back_by_undo(
    desk: LadderDesk, database: Database
) -> None:
    assert await desk.version() == shipped()
    first = await put(desk)
    assert (first.version, first.by, first.why, first.at) == (1, "mei", "wind", 1000.5)
    assert await desk.version() == first
    assert desk.read(first).version == 1
    back = await desk.undo(None, why="calm", base=1, by=ADMIN)
    assert (back.version, back.text) == (2, SHIPPED)
    again = await desk.undo(1, why="wind again", base=None, by=ADMIN)
    assert again.text == SLOWER
    assert [version.version for version in await desk.history()] == [3, 2, 1, 0]
    assert [version.version for version in await desk.history(newest=2)] == [3, 2]
    assert audited(database) == [
        ("ladders.put", "mei", "wind"),
        ("ladders.undo", "mei", "calm"),
        ("ladders.undo", "mei", "wind again"),
    ]


@pytest.mark.parametrize(
    ("text", "why", "wrong"),
    [
        (SHIPPED, "wind", ["text"]),
        (SLOWER, " ", ["why"]),
        (SLOWER, "a\nb", ["why"]),
        ("x" * (LONGEST + 1), "wind", ["text"]),
        ("not toml", "wind", ["ladders.toml"]),
        (SLOWER.replace('after_s = 9\naccept = "basic"', 'after_s = -1\naccept = "perfect"'), "", None),
    ],
    ids=["nothing changes", "no reason", "a reason of two lines", "too long", "no TOML", "several faults"],
)
async def test_what_is_wrong_is_refused_whole_with_every_reason_and_audited(
    desk: LadderDesk, database: Database, text: str, why: str, wrong: list[str] | None
) -> None:
    with pytest.raises(Refused) as refused:
        await desk.put(text, why=why, base=0, by=ADMIN)
    assert refused.value.kind is Kind.INVALID
    places = [problem.where for problem in refused.value.problems]
    if wrong is None:
        assert places[0] == "why"
        assert [place.rpartition(".")[2] for place in places[1:3]] == ["after_s", "accept"]
    else:
        assert places == wrong
    assert (await desk.version()).version == 0
    assert [action for action, _, _ in audited(database)] == ["ladders.refuse"]


async def test_a_version_of_before_a_number_came_is_read_and_brought_back_but_no_new_one_may_lack_it(
    desk: LadderDesk, database: Database
) -> None:
    before = re.sub(f"({'|'.join(CAME_LATER)}) = .*\n", "", SHIPPED)
    old = LadderVersion(version=1, text=before, by="mei", why="wind", at=900.0)
    await database.run(lambda connection: add_version(connection, old))
    numbers = desk.read(await desk.version()).numbers
    assert {name: getattr(numbers, name) for name in CAME_LATER} == CAME_LATER, "all counts as it did then"
    await desk.undo(0, why="calm", base=1, by=ADMIN)
    with pytest.raises(Refused) as refused:
        await put(desk, before, base=2)
    missing = {problem.where.partition(" number.")[2].partition(".")[0] for problem in refused.value.problems}
    assert missing == CAME_LATER.keys()
    assert (await desk.undo(1, why="wind again", base=2, by=ADMIN)).text == before


async def test_a_stale_base_is_refused_with_what_changed_since(desk: LadderDesk) -> None:
    await put(desk)
    with pytest.raises(Refused) as refused:
        await put(desk, SHIPPED)
    assert (refused.value.kind, refused.value.newest) == (Kind.STALE, 1)
    assert "+after_s = 9" in refused.value.changed


@pytest.mark.parametrize("to", [7, -1, 1 << 40])
async def test_a_version_that_does_not_exist_is_refused(desk: LadderDesk, to: int) -> None:
    with pytest.raises(Refused, match="no version"):
        await desk.undo(to, why="calm", base=None, by=ADMIN)


@pytest.mark.parametrize(
    "by",
    [
        replace(ADMIN, role=Role.OPERATOR),
        replace(ADMIN, city=CityId("putian")),
        replace(ADMIN, site=SiteId("fuzhou")),
    ],
)
async def test_who_may_not_is_refused_and_audited(desk: LadderDesk, database: Database, by: Principal) -> None:
    with pytest.raises(Refused) as refused:
        await put(desk, by=by)
    assert refused.value.kind is Kind.FORBIDDEN
    assert audited(database) == [("ladders.refuse", "mei", "wind")]


async def test_of_many_changes_at_once_each_is_made_on_top_of_the_others_or_refused(desk: LadderDesk) -> None:
    texts = [SHIPPED.replace("after_s = 8\n", f"after_s = {8 + number / 10}\n") for number in range(1, 6)]
    made = await asyncio.gather(*(put(desk, text, base=0) for text in texts), return_exceptions=True)
    assert sum(isinstance(one, LadderVersion) for one in made) == 1
    assert sum(isinstance(one, Refused) and one.kind is Kind.STALE for one in made) == 4


async def test_a_follower_hands_each_new_version_on_and_keeps_the_last_one_that_fits(
    desk: LadderDesk, database: Database
) -> None:
    used: asyncio.Queue[LadderSet] = asyncio.Queue()
    follower = LadderFollower(desk, used.put_nowait)
    task = asyncio.create_task(follower.run())
    try:
        async with asyncio.timeout(10):
            await put(desk)
            assert (await used.get()).version == 1
            await desk.undo(None, why="calm", base=1, by=ADMIN)
            assert (await used.get()).version == 2
        assert follower.metrics()["ladders_version"] == 2
        assert used.empty()
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_a_version_that_the_agents_of_today_do_not_fit_is_left_out(
    desk: LadderDesk, database: Database
) -> None:
    await put(desk)
    used: list[LadderSet] = []
    follower = LadderFollower(LadderDesk(database, TOPOLOGY, {}), used.append)
    task = asyncio.create_task(follower.run())
    try:
        async with asyncio.timeout(10):
            while not follower.counters["unreadable"]:
                await desk.version()
        assert used == []
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
