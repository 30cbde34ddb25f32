"""Changes of quotas on real databases: versions, turns, ends, and the audit trail of deeds and attempts."""

import asyncio
import threading
from dataclasses import replace
from typing import Any

import pytest

from tests.unit.trunk_config.network import ADMIN, FUZHOU, NOW, PROFILES, TOPOLOGY, city
from tieline.database import Connection, Database, StatementRefused
from tieline.errors import Problem
from tieline.model import SiteId
from tieline.principal import Principal, Role
from tieline.refused import Kind, Refused
from tieline.store import AuditRow, fetch_audit
from tieline.topology import Topology
from trunk_config import store
from trunk_config.change import Change, PutOn, SetShares, Share, Undo
from trunk_config.desk import Desk
from trunk_config.quota import Quota
from trunk_config.versions import QuotaVersion

pytestmark = pytest.mark.component

XIAMEN = SiteId("xiamen")
PUTIAN = city("putian")


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def desk(database: Database, clock: Clock) -> Desk:
    return Desk(database, TOPOLOGY, PROFILES, clock=clock)


def reserve(number: int, *, base: int = 1, **fields: Any) -> Change:
    """A change of Putian's reserve."""
    what = SetShares({PUTIAN: Share(reserve=number)})
    return replace(Change(site=FUZHOU, what=what, why="typhoon", base=base), **fields)


def typhoon(*, base: int, until: float | None = None) -> Change:
    """Put the typhoon's profile on."""
    return Change(site=FUZHOU, what=PutOn("typhoon"), why="storm", base=base, until=until, confirmed=True)


def trail(database: Database) -> list[AuditRow]:
    """The audit trail, the oldest first."""
    with database.transaction(reading=True) as connection:
        return list(reversed(fetch_audit(connection)))


async def test_the_first_version_of_each_site_is_the_files_normal(desk: Desk, database: Database) -> None:
    for site in (FUZHOU, XIAMEN, FUZHOU):
        newest = await desk.newest(site)
        assert (newest.version, newest.profile, newest.by, newest.at) == (1, "normal", "tieline", NOW)
        assert newest.quotas == PROFILES[site, "normal"].quotas
    assert [(row.action, row.subject) for row in trail(database)] == [
        ("quota.first", "site:fuzhou"),
        ("quota.first", "site:xiamen"),
    ]


async def test_changes_follow_each_other_and_each_can_be_undone(desk: Desk, database: Database) -> None:
    made = await desk.change(reserve(17), ADMIN)
    assert (made.version, made.quotas[PUTIAN]) == (2, Quota(17, 60))
    made = await desk.change(typhoon(base=2), ADMIN)
    assert (made.version, made.profile) == (3, "typhoon")
    back = await desk.change(Change(site=FUZHOU, what=Undo(), why="too early", base=3, confirmed=True), ADMIN)
    assert (back.version, back.profile, back.quotas) == (4, "normal", {**made.quotas, **back.quotas})
    assert back.quotas[PUTIAN] == Quota(17, 60)
    assert await desk.newest(FUZHOU) == back
    assert [version.version for version in await desk.history(FUZHOU)] == [4, 3, 2, 1]
    assert [version.version for version in await desk.history(FUZHOU, newest=2)] == [4, 3]
    assert [(row.action, row.who, row.why) for row in trail(database)][1:] == [
        ("quota.set", "lin", "typhoon"),
        ("quota.profile", "lin", "storm"),
        ("quota.undo", "lin", "too early"),
    ]
    row = trail(database)[1]
    assert (row.before["quotas"]["putian"], row.after["quotas"]["putian"]) == ([11, 60], [17, 60])
    assert (row.before["version"], row.after["version"], row.subject) == (1, 2, "site:fuzhou")


@pytest.mark.parametrize(
    ("change", "by", "kind"),
    [
        (reserve(-1, base=10**20, until=NOW - 1), ADMIN, Kind.STALE),
        (reserve(10**30), ADMIN, Kind.INVALID),
        (reserve(17, why=""), ADMIN, Kind.INVALID),
        (reserve(17, why="nul\0 and half \ud800"), ADMIN, Kind.INVALID),
        (reserve(1), ADMIN, Kind.CONFIRM),
        (reserve(17, site=SiteId("taipei")), ADMIN, Kind.INVALID),
        (reserve(17), Principal(role=Role.MONITOR, city=None, site=None, name="eve"), Kind.FORBIDDEN),
    ],
)
async def test_a_refused_attempt_changes_nothing_and_is_audited(
    desk: Desk, database: Database, change: Change, by: Principal, kind: Kind
) -> None:
    with pytest.raises(Refused) as refused:
        await desk.change(change, by)
    assert refused.value.kind is kind
    row = trail(database)[-1]
    assert (row.action, row.who, row.subject) == ("quota.refuse", by.name, f"site:{change.site}")
    assert row.after["problems"] == [str(problem) for problem in refused.value.problems]
    assert row.after["kind"] == kind
    assert row.after["asked"]["shares"]["putian"]["reserve"] == change.what.shares[PUTIAN].reserve  # type: ignore[union-attr]
    assert (await desk.newest(FUZHOU)).version == 1


async def test_what_could_not_be_read_is_audited_too(desk: Desk, database: Database) -> None:
    await desk.note_unreadable(FUZHOU, ADMIN, [Problem("body", "no JSON")])
    [row] = trail(database)
    assert (row.action, row.after) == ("quota.refuse", {"problems": ["body: no JSON"]})


async def test_of_many_at_once_one_wins_and_the_others_are_told_by_whom(desk: Desk) -> None:
    async def attempt(number: int) -> int | Refused:
        by = replace(ADMIN, name=f"admin {number}")
        try:
            return (await desk.change(reserve(20 + number), by)).version
        except Refused as refused:
            return refused

    results = await asyncio.gather(*(attempt(number) for number in range(5)))
    assert [result for result in results if isinstance(result, int)] == [2]
    newest = await desk.newest(FUZHOU)
    for refused in results:
        if isinstance(refused, Refused):
            assert (refused.kind, refused.newest) == (Kind.STALE, 2)
            assert f"made by {newest.by}" in str(refused)
            assert [str(found) for found in refused.changed] == [
                f"putian reserve 11 → {newest.quotas[PUTIAN].reserve}"
            ]


class SlowFirst:
    """Stands in for `store.add_version`: the first one to write stays in its transaction until it is let go on."""

    def __init__(self) -> None:
        self.came: list[str] = []
        self.there, self.go_on = threading.Event(), threading.Event()
        self._add = store.add_version

    def __call__(self, connection: Connection, version: QuotaVersion) -> None:
        self.came.append(version.by)
        self.there.set()
        if len(self.came) == 1:
            assert self.go_on.wait(20)
        self._add(connection, version)


async def test_the_second_of_two_waits_for_the_first_ones_transaction(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the lock both read version 1, and the unique key would refuse the second one as a broken statement."""
    await desk.newest(FUZHOU)  # made before: making it lets them take turns by itself
    first_at = SlowFirst()
    monkeypatch.setattr(store, "add_version", first_at)
    first = asyncio.create_task(desk.change(reserve(20), replace(ADMIN, name="li")))
    await asyncio.to_thread(first_at.there.wait, 20)
    second = asyncio.create_task(desk.change(reserve(21), replace(ADMIN, name="chen")))
    await asyncio.wait({second}, timeout=0.5)  # as long as it could have read what is about to change
    assert (first_at.came, second.done()) == (["li"], False)
    first_at.go_on.set()
    assert (await first).version == 2
    with pytest.raises(Refused) as refused:
        await second
    assert (refused.value.kind, refused.value.newest, first_at.came) == (Kind.STALE, 2, ["li"])
    assert [str(found) for found in refused.value.changed] == ["putian reserve 11 → 20"]


async def test_a_number_cannot_be_given_twice(desk: Desk, database: Database) -> None:
    first = await desk.newest(FUZHOU)
    with pytest.raises(StatementRefused), database.transaction() as connection:
        store.add_version(connection, first)


async def test_the_former_one_returns_at_the_end_time_once_however_many_look(
    desk: Desk, database: Database, clock: Clock
) -> None:
    await desk.change(typhoon(base=1, until=NOW + 60), ADMIN)
    clock.now += 59
    assert (await desk.newest(FUZHOU)).profile == "typhoon"
    clock.now += 1
    others = [Desk(database, TOPOLOGY, PROFILES, clock=clock) for _ in range(5)]
    seen = await asyncio.gather(*(other.newest(FUZHOU) for other in others))
    assert {(version.version, version.profile, version.until) for version in seen} == {(3, "normal", None)}
    assert [row.action for row in trail(database)] == ["quota.first", "quota.profile", "quota.return"]
    assert trail(database)[-1].who == "tieline"


async def test_a_change_after_the_end_time_is_judged_against_what_returned(desk: Desk, clock: Clock) -> None:
    await desk.change(typhoon(base=1, until=NOW + 60), ADMIN)
    clock.now += 61
    with pytest.raises(Refused) as refused:
        await desk.change(reserve(18, base=2), ADMIN)
    assert (refused.value.kind, refused.value.newest) == (Kind.STALE, 3)
    assert (await desk.change(reserve(18, base=3), ADMIN)).profile == "normal"


async def test_ends_inside_ends(desk: Desk, clock: Clock) -> None:
    await desk.change(typhoon(base=1, until=NOW + 60), ADMIN)
    await desk.change(reserve(30, base=2, until=NOW + 30), ADMIN)
    clock.now += 30
    returned = await desk.newest(FUZHOU)
    assert (returned.version, returned.profile, returned.until) == (4, "typhoon", NOW + 60)
    clock.now += 30
    assert (await desk.newest(FUZHOU)).profile == "normal"


async def test_what_does_not_fit_the_network_any_more_gives_way_to_normal(
    database: Database, desk: Desk, clock: Clock
) -> None:
    await desk.change(reserve(30), ADMIN)
    await desk.change(typhoon(base=2, until=NOW + 60), ADMIN)
    site = replace(TOPOLOGY.sites[FUZHOU], lines=80)
    smaller: Topology = replace(TOPOLOGY, sites={**TOPOLOGY.sites, FUZHOU: site})
    quotas = {
        name: Quota(quota.reserve // 2, quota.cap // 2) for name, quota in PROFILES[FUZHOU, "normal"].quotas.items()
    }
    fitting = {**PROFILES, (FUZHOU, "normal"): replace(PROFILES[FUZHOU, "normal"], quotas=quotas)}
    clock.now += 60
    newest = await Desk(database, smaller, fitting, clock=clock).newest(FUZHOU)
    assert (newest.version, newest.quotas) == (4, quotas)
    assert "version 2 does not fit the network any more" in newest.why
