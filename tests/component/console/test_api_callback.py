"""Callbacks over HTTP: whole numbers for those who call back, in their scope, and what they say came of it."""

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from routing.callback import Callback, State, ended
from routing.callback_rules import load_callback_rules
from routing.store import fetch_callbacks, put_callback
from tests.component.console.conftest import Desk
from tests.unit.routing.test_callback import ENTRY
from tieline.database import Database
from tieline.model import CallId, CityId, SiteId
from tieline.principal import Role
from tieline.store import fetch_audit

pytestmark = pytest.mark.component

PATH = "/api/v1/callbacks"
WHY = {"why": "has light again"}
PUTIAN = msgspec.structs.replace(ENTRY, call_id=CallId("fuzhou-1:2"), city=CityId("putian"), since=ENTRY.since - 60)
DONE = msgspec.structs.replace(ENTRY, call_id=CallId("fuzhou-1:3"), since=ENTRY.since - 90)
XIAMEN = msgspec.structs.replace(ENTRY, call_id=CallId("xiamen-1:4"), site=SiteId("xiamen"))


@pytest.fixture
def entries(database: Database) -> Sequence[Callback]:
    made = [ENTRY, PUTIAN, ended(DONE, State.REACHED, ENTRY.made_at), XIAMEN]
    with database.transaction() as connection:
        for entry in made:
            put_callback(connection, entry)
    return made


async def listed(desk: Desk, role: Role = Role.OPERATOR, *, city: str | None = None, state: str = "open") -> Any:
    header = desk.header(desk.token(role, city=city))
    answer = await desk.client.get(PATH, params={"state": state}, headers=header)
    assert answer.status == 200, await answer.text()
    return (await answer.json())["callbacks"]


async def cancelled(desk: Desk, call: str, token: str, body: Any = WHY) -> int:
    answer = await desk.client.post(f"{PATH}/{call}/cancel", json=body, headers=desk.header(token))
    return answer.status


async def noted(desk: Desk, what: str, token: str, call: str = ENTRY.call_id) -> tuple[int, Any]:
    answer = await desk.client.post(f"{PATH}/{call}/{what}", headers=desk.header(token))
    return answer.status, await answer.json()


def audited(database: Database, action: str) -> list[tuple[str, str, str]]:
    with database.transaction(reading=True) as connection:
        return [(row.who, row.subject, row.why) for row in fetch_audit(connection) if row.action == action]


async def test_open_entries_of_the_site_are_listed_by_place_with_whole_numbers(
    desk: Desk, database: Database, entries: Sequence[Callback]
) -> None:
    assert await listed(desk) == [msgspec.to_builtins(PUTIAN), msgspec.to_builtins(ENTRY)]
    assert [one["state"] for one in await listed(desk, state="all")] == ["reached", "open", "open"]
    assert [one["call_id"] for one in await listed(desk, city="putian")] == [PUTIAN.call_id]
    subjects = [subject for _, subject, _ in audited(database, "callback.read")]
    assert sorted(subjects) == ["callback:all", "callback:open", "callback:open"]


async def test_a_cancelled_entry_ends_once_and_is_audited(
    desk: Desk, database: Database, entries: Sequence[Callback]
) -> None:
    token = desk.token(Role.SUPERVISOR)
    answer = await desk.client.post(f"{PATH}/{ENTRY.call_id}/cancel", json=WHY, headers=desk.header(token))
    told = await answer.json()
    assert (answer.status, told["state"], told["ended_at"]) == (200, "cancelled", desk.now[0])
    assert audited(database, "callback.cancelled") == [("somebody", f"call:{ENTRY.call_id}", WHY["why"])]
    assert await cancelled(desk, ENTRY.call_id, token) == 404
    assert [one["call_id"] for one in await listed(desk)] == [PUTIAN.call_id]


async def test_who_was_reached_is_called_no_more(desk: Desk, database: Database, entries: Sequence[Callback]) -> None:
    token = desk.token(Role.OPERATOR)
    status, told = await noted(desk, "reached", token)
    assert (status, told["state"], told["ended_at"]) == (200, "reached", desk.now[0])
    assert audited(database, "callback.reached") == [("somebody", f"call:{ENTRY.call_id}", "")]
    assert (await noted(desk, "reached", token))[0] == (await noted(desk, "tried", token))[0] == 404
    assert [one["call_id"] for one in await listed(desk)] == [PUTIAN.call_id]


async def test_who_did_not_answer_is_tried_again_later_until_it_was_the_last_time(
    desk: Desk, database: Database, entries: Sequence[Callback]
) -> None:
    token, rules = desk.token(Role.OPERATOR), load_callback_rules()
    for tries, after_s in enumerate(rules.again_s, start=1):
        status, told = await noted(desk, "tried", token)
        assert (status, told["state"], told["tries"]) == (200, "open", tries)
        assert told["next_at"] == rules.permitted_from(desk.now[0] + after_s) > desk.now[0]
    status, told = await noted(desk, "tried", token)
    assert (status, told["state"], told["ended_at"]) == (200, "not_reached", desk.now[0])
    assert (await noted(desk, "tried", token))[0] == 404
    told_of = [("somebody", f"call:{ENTRY.call_id}", "")]
    assert audited(database, "callback.tried") == told_of * (len(rules.again_s) + 1)


@pytest.mark.parametrize("role", [Role.MONITOR, Role.AGENT])
async def test_who_does_not_call_back_sees_and_changes_nothing(
    desk: Desk, database: Database, entries: Sequence[Callback], role: Role
) -> None:
    token = desk.token(role)
    assert (await desk.client.get(PATH, headers=desk.header(token))).status == 403
    assert (await desk.client.get(PATH)).status == 401
    assert await cancelled(desk, ENTRY.call_id, token) == 403
    assert (await noted(desk, "reached", token))[0] == (await noted(desk, "tried", token))[0] == 403
    assert audited(database, "callback.read") == []
    with database.transaction(reading=True) as connection:
        assert len(fetch_callbacks(connection)) == 3


async def test_an_entry_outside_of_the_scope_is_not_there(desk: Desk, entries: Sequence[Callback]) -> None:
    assert await cancelled(desk, ENTRY.call_id, desk.token(Role.OPERATOR, city="putian")) == 404
    assert await cancelled(desk, XIAMEN.call_id, desk.token(Role.OPERATOR, site="fuzhou")) == 404
    assert await cancelled(desk, "fuzhou-1:7", desk.token(Role.OPERATOR)) == 404
    for what in ("reached", "tried"):
        assert (await noted(desk, what, desk.token(Role.OPERATOR, city="putian")))[0] == 404
        assert (await noted(desk, what, desk.token(Role.OPERATOR, site="fuzhou"), XIAMEN.call_id))[0] == 404
    assert len(await listed(desk)) == 2


@pytest.mark.parametrize("body", [{}, {"why": ""}, {"why": "x" * 401}, {**WHY, "more": 1}, []])
async def test_a_reason_is_asked_for(desk: Desk, entries: Sequence[Callback], body: Any) -> None:
    assert await cancelled(desk, ENTRY.call_id, desk.token(Role.OPERATOR), body) == 422
    assert len(await listed(desk)) == 2


async def test_a_wrong_state_is_refused(desk: Desk) -> None:
    header = desk.header(desk.token(Role.OPERATOR))
    assert (await desk.client.get(PATH, params={"state": "reached"}, headers=header)).status == 400
