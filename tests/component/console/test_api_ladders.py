"""Ladders over HTTP: the same refusals as on the command line, with role and scope."""

from typing import Any

import pytest

from routing.ladder_desk import shipped
from tests.component.console.conftest import Desk
from tieline.database import Database
from tieline.principal import Role
from tieline.store import fetch_audit

pytestmark = pytest.mark.component

PATH = "/api/v1/ladders"
SLOWER = shipped().text.replace("after_s = 8\n", "after_s = 9\n")


def change(**more: Any) -> dict[str, Any]:
    return {"base": 0, "why": "wind", "text": SLOWER} | more


def actions(database: Database) -> list[str]:
    with database.transaction(reading=True) as connection:
        return [line.action for line in fetch_audit(connection, subject="routing:ladders")]


async def test_a_file_is_put_shown_and_undone(desk: Desk, database: Database) -> None:
    header = desk.header(desk.token(Role.ADMIN))
    made = await desk.client.put(PATH, json=change(), headers=header)
    assert (made.status, (await made.json())["version"]) == (200, 1)
    shown = await (await desk.client.get(PATH, headers=desk.header(desk.token(Role.MONITOR)))).json()
    assert (shown["version"], shown["text"]) == (1, SLOWER)
    undone = await desk.client.post(f"{PATH}/undo", json={"base": 1, "why": "calm"}, headers=header)
    assert (await undone.json())["text"] == shipped().text
    history = await (await desk.client.get(f"{PATH}/history", headers=header)).json()
    assert [version["version"] for version in history["versions"]] == [2, 1, 0]
    assert actions(database) == ["ladders.undo", "ladders.put"]


@pytest.mark.parametrize(
    ("role", "city", "body", "status", "error"),
    [
        (Role.MONITOR, None, change(), 403, "forbidden"),
        (Role.ADMIN, "putian", change(), 403, "forbidden"),
        (Role.ADMIN, None, change(base=4), 409, "stale_base"),
        (Role.ADMIN, None, change(text="x = 1"), 422, "invalid"),
        (Role.ADMIN, None, change(colour="red"), 422, "unreadable"),
    ],
)
async def test_what_is_refused_says_why_and_is_audited(
    desk: Desk, database: Database, role: Role, city: str | None, body: dict[str, Any], status: int, error: str
) -> None:
    answer = await desk.client.put(PATH, json=body, headers=desk.header(desk.token(role, city=city)))
    told = await answer.json()
    assert (answer.status, told["error"]) == (status, error)
    assert told["problems"]
    assert actions(database) == ["ladders.refuse"]


async def test_nobody_sees_or_changes_them_without_a_token(desk: Desk) -> None:
    assert (await desk.client.get(PATH)).status == 401
    assert (await desk.client.put(PATH, json=change())).status == 401
