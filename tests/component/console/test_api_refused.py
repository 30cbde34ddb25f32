"""The refused numbers over HTTP: whole for those who call back, for nobody else."""

import pytest

from tests.component.console.conftest import Desk
from tests.component.crm_adapter.test_store import turned_away
from tieline.database import Database
from tieline.principal import Role
from tieline.store import fetch_audit

pytestmark = pytest.mark.component

PATH = "/api/v1/cities/fuzhou/refused"


async def test_whoever_calls_back_gets_whole_numbers_and_is_written_down(desk: Desk, database: Database) -> None:
    now = desk.now[0]
    await desk.store.deliver([turned_away(1, hangup_at=now - 60, arrived_at=now - 60)])
    header = desk.header(desk.token(Role.OPERATOR, city="fuzhou"))
    answer = await desk.client.get(PATH, headers=header)
    assert answer.status == 200
    assert await answer.json() == {
        "numbers": [
            {
                "number": "+8659100001234", "times": 1, "first_at": now - 60, "last_at": now - 60,
                "through_at": 0.0, "ticket": "",
            },
        ],
        "without_number": 0,
    }  # fmt: skip
    later = await desk.client.get(PATH, params={"since": "-30m"}, headers=header)
    assert len((await later.json())["numbers"]) == 1
    newest = await desk.client.get(PATH, params={"since": "2099-01-01 00:00"}, headers=header)
    assert (await newest.json())["numbers"] == []
    with database.transaction(reading=True) as connection:
        assert [line.action for line in fetch_audit(connection, subject="city:fuzhou")] == ["refused.read"] * 3


@pytest.mark.parametrize(
    ("role", "city", "path", "status"),
    [
        (Role.MONITOR, None, PATH, 403),
        (Role.AGENT, None, PATH, 403),
        (Role.OPERATOR, "putian", PATH, 403),
        (Role.OPERATOR, None, "/api/v1/cities/atlantis/refused", 404),
        (Role.OPERATOR, None, PATH + "?since=soon", 400),
    ],
)
async def test_others_get_nothing(
    desk: Desk, database: Database, role: Role, city: str | None, path: str, status: int
) -> None:
    answer = await desk.client.get(path, headers=desk.header(desk.token(role, city=city)))
    assert answer.status == status
    assert (await desk.client.get(PATH)).status == 401
    with database.transaction(reading=True) as connection:
        assert [line.action for line in fetch_audit(connection)] == ["token.new"]
