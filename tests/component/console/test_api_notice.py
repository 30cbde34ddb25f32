"""Notices over HTTP: who may look and write, what is refused how, and what remains in SQL and the audit trail."""

from typing import Any

import pytest

from tests.component.console.conftest import Desk
from tieline.database import Database
from tieline.principal import Role
from tieline.store import AuditRow, fetch_audit

pytestmark = pytest.mark.component

NOTICES = "/api/v1/notices"
STORM = {"cause": "storm", "until": "+3h"}


async def ask(desk: Desk, method: str, path: str, body: Any = None, *, token: str = "") -> tuple[int, Any]:
    """Ask as an operator unless another token is given."""
    header = desk.header(token or desk.token(Role.OPERATOR))
    data = {"data": body} if isinstance(body, bytes) else {"json": body} if body is not None else {}
    answer = await desk.client.request(method, path, headers=header, **data)
    return answer.status, await answer.json()


async def places(desk: Desk, token: str = "") -> list[tuple[str, str]]:
    """List city and county of each notice that is shown."""
    status, told = await ask(desk, "GET", NOTICES, token=token)
    assert status == 200, told
    return [(notice["city"], notice["county"]) for notice in told["notices"]]


def last_audited(database: Database) -> AuditRow:
    """Give the newest line of the audit trail."""
    with database.transaction(reading=True) as connection:
        return fetch_audit(connection, newest=1)[0]


async def test_a_notice_is_set_replaced_listed_and_cleared(desk: Desk, database: Database) -> None:
    status, told = await ask(desk, "PUT", f"{NOTICES}/fuzhou?county=gulou", STORM)
    now = desk.now[0]
    gulou = {"city": "fuzhou", "county": "gulou", "cause": "storm", "until": now + 3 * 3600, "by": "somebody"}
    assert (status, told) == (200, {**gulou, "since": now})
    assert (last_audited(database).action, last_audited(database).subject) == ("notice.set", "place:fuzhou/gulou")
    await ask(desk, "PUT", f"{NOTICES}/fuzhou", STORM)
    status, told = await ask(desk, "PUT", f"{NOTICES}/fuzhou", {"cause": "flood", "until": now + 60})
    assert (status, told["cause"], told["county"]) == (200, "flood", "")
    assert await places(desk) == [("fuzhou", ""), ("fuzhou", "gulou")]
    status, told = await ask(desk, "DELETE", f"{NOTICES}/fuzhou?county=gulou")
    assert (status, told["cause"]) == (200, "storm")
    assert (last_audited(database).action, last_audited(database).who) == ("notice.clear", "somebody")
    assert await places(desk) == [("fuzhou", "")]
    desk.now[0] += 60
    assert await places(desk) == []


async def test_every_reason_is_told_nothing_is_changed_and_the_attempt_is_audited(
    desk: Desk, database: Database
) -> None:
    status, told = await ask(
        desk, "PUT", f"{NOTICES}/fuzhou?county=siming", {"cause": "magic", "until": "2020-01-01 00:00"}
    )
    assert (status, told["error"]) == (422, "invalid")
    assert [problem["where"] for problem in told["problems"]] == ["county", "cause", "until"]
    assert len(last_audited(database).after["problems"]) == 3
    assert (await ask(desk, "PUT", f"{NOTICES}/atlantis", STORM))[0] == 422
    status, told = await ask(desk, "DELETE", f"{NOTICES}/fuzhou")
    assert (status, told["error"]) == (404, "not_found")
    assert last_audited(database).action == "notice.refuse"
    assert await places(desk) == []


@pytest.mark.parametrize(
    ("body", "where"),
    [
        (b"nonsense", ["body"]),
        ({"cause": 3, "until": [], "county": "gulou"}, ["cause", "until", "county"]),
        ({}, ["cause", "until"]),
    ],
)
async def test_what_cannot_be_read_is_told_whole_and_audited(
    desk: Desk, database: Database, body: Any, where: list[str]
) -> None:
    status, told = await ask(desk, "PUT", f"{NOTICES}/fuzhou", body)
    assert (status, told["error"]) == (422, "unreadable")
    assert [problem["where"] for problem in told["problems"]] == where
    assert (last_audited(database).action, last_audited(database).subject) == ("notice.refuse", "place:fuzhou")


async def test_who_may_write(desk: Desk, database: Database) -> None:
    for token in (
        desk.token(Role.ADMIN),
        desk.token(Role.INTEGRATOR, site="xiamen"),
        desk.token(Role.SUPERVISOR, city="fuzhou"),
    ):
        assert (await ask(desk, "PUT", f"{NOTICES}/fuzhou", STORM, token=token))[0] == 200
    for token in (desk.token(Role.MONITOR), desk.token(Role.AGENT), desk.token(Role.ADMIN, city="putian")):
        for method, body in (("PUT", {"cause": "magic", "until": "+3h"}), ("DELETE", None)):
            status, told = await ask(desk, method, f"{NOTICES}/fuzhou", body, token=token)
            assert (status, told["error"], len(told["problems"])) == (403, "forbidden", 1)
            assert last_audited(database).action == "notice.refuse"
    assert (await desk.client.put(f"{NOTICES}/fuzhou", json=STORM)).status == 401
    assert await places(desk) == [("fuzhou", "")]


async def test_everybody_sees_what_he_covers_agents_too(desk: Desk) -> None:
    for city in ("fuzhou", "putian"):
        await ask(desk, "PUT", f"{NOTICES}/{city}", STORM)
    for role in Role:
        assert await places(desk, desk.token(role)) == [("fuzhou", ""), ("putian", "")]
    assert await places(desk, desk.token(Role.AGENT, city="putian")) == [("putian", "")]
    assert await places(desk, desk.token(Role.AGENT, site="fuzhou")) == [("fuzhou", ""), ("putian", "")]
    assert (await ask(desk, "GET", NOTICES, token=desk.token(Role.AGENT, site="xiamen")))[0] == 403
    assert (await desk.client.get(NOTICES)).status == 401
