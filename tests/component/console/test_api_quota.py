"""Quotas over HTTP: who may look and change, what is refused how, and what the next call meets."""

from typing import Any

import pytest

from tests.component.console.conftest import Desk
from tests.support.redis_server import RedisServer
from tests.unit.trunk_config.network import TOPOLOGY, version
from tieline.database import Database
from tieline.model import CityId
from tieline.principal import Role
from tieline.store import fetch_audit
from trunk_config.admission import IN_USE, QUOTA, admit
from trunk_config.in_force import put_in_force
from trunk_config.quota import Allowances

pytestmark = pytest.mark.component

QUOTAS = "/api/v1/sites/fuzhou/quotas"
RISE = {"base": 1, "why": "wind", "cities": {"putian": {"reserve": 17}, "ningde": {"cap": 50}}}


async def ask(desk: Desk, method: str, path: str, body: Any = None, *, token: str = "") -> tuple[int, Any]:
    """Ask as an operator unless another token is given."""
    header = desk.header(token or desk.token(Role.OPERATOR))
    data = {"data": body} if isinstance(body, bytes) else {"json": body} if body is not None else {}
    answer = await desk.client.request(method, path, headers=header, **data)
    return answer.status, await answer.json()


def last_audited(database: Database) -> tuple[str, str]:
    """The newest line of the audit trail."""
    with database.transaction(reading=True) as connection:
        row = fetch_audit(connection, newest=1)[0]
    return row.action, row.who


async def test_a_change_is_in_force_when_the_answer_comes(desk: Desk, database: Database) -> None:
    await put_in_force(desk.live, TOPOLOGY, version(), now=1.0)
    await desk.live.call("HSET", IN_USE, "putian", 12)
    status, told = await ask(desk, "GET", QUOTAS)
    assert (status, told["version"], told["in_use"], told["lines"]) == (200, 1, 12, 240)
    assert told["cities"][1] == {
        "city": "putian", "in_use": 12, "reserve": 11, "cap": 60, "access": 60, "free": 48,
    }  # fmt: skip
    status, told = await ask(desk, "PATCH", QUOTAS, RISE)
    assert (status, told["in_force"], told["version"]["version"]) == (200, True, 2)
    assert told["version"]["quotas"]["putian"] == {"reserve": 17, "cap": 60}
    assert await desk.live.call("HMGET", QUOTA, "version", "r:putian", "c:ningde") == [b"2", b"17", b"50"]
    city = CityId("putian")
    answer = await admit(
        desk.live, uniqueid="fuzhou-1-1.1", city=city, number="", allowances=Allowances(), now=1.0, deadline_s=2.0
    )
    assert (answer.granted, answer.version, answer.in_use) == (True, 2, 13)
    assert last_audited(database) == ("quota.set", "somebody")


async def test_a_profile_until_a_time_the_history_and_undo(desk: Desk) -> None:
    body = {"base": 1, "why": "Maria", "profile": "typhoon", "until": "+6h", "confirmed": True}
    status, told = await ask(desk, "POST", f"{QUOTAS}/profile", body)
    assert (status, told["version"]["until"], told["version"]["returns_to"]) == (200, desk.now[0] + 6 * 3600, 1)
    assert not told["in_force"]  # this Redis has just started: the keeper counts the channels first
    status, told = await ask(desk, "POST", f"{QUOTAS}/undo", {"base": 2, "why": "passed"})
    assert (status, told["version"]["profile"], told["version"]["until"]) == (200, "normal", None)
    status, told = await ask(desk, "GET", f"{QUOTAS}/history?newest=2")
    assert (status, [one["profile"] for one in told["versions"]]) == (200, ["normal", "typhoon"])
    status, told = await ask(desk, "GET", f"{QUOTAS}/profiles")
    assert (status, [one["name"] for one in told["profiles"]]) == (200, ["normal", "typhoon", "take-over"])
    assert (await ask(desk, "GET", f"{QUOTAS}/history?newest=0"))[0] == 400


async def test_a_stale_base_is_409_with_the_difference(desk: Desk, database: Database) -> None:
    await ask(desk, "PATCH", QUOTAS, RISE)
    status, told = await ask(desk, "PATCH", QUOTAS, {**RISE, "cities": {"putian": {"reserve": 18}}})
    assert (status, told["error"], told["newest"]) == (409, "stale_base", 2)
    assert told["difference"] == [
        {"city": "putian", "share": "reserve", "before": 11, "after": 17},
        {"city": "ningde", "share": "cap", "before": 60, "after": 50},
    ]
    assert "made by somebody: wind" in told["problems"][0]["what"]
    assert last_audited(database) == ("quota.refuse", "somebody")


async def test_every_reason_is_told_with_422(desk: Desk, database: Database) -> None:
    cities = {"putian": {"reserve": -1}, "atlantis": {"reserve": 1, "cap": 10**25}, "ningde": {"cap": 10**9}}
    status, told = await ask(desk, "PATCH", QUOTAS, {"base": 1, "why": "", "cities": cities, "until": 5})
    assert (status, told["error"]) == (422, "invalid")
    assert {problem["where"] for problem in told["problems"]} == {
        "why", "until", "city putian reserve", "city atlantis", "city ningde cap",
    }  # fmt: skip
    assert all(problem["mend"] for problem in told["problems"])
    assert last_audited(database) == ("quota.refuse", "somebody")
    assert (await ask(desk, "GET", QUOTAS))[1]["version"] == 1


async def test_half_of_a_share_is_asked_about(desk: Desk) -> None:
    halve = {"base": 1, "why": "test", "cities": {"putian": {"cap": 30}}}
    status, told = await ask(desk, "PATCH", QUOTAS, halve)
    assert (status, told["error"], told["problems"][0]["where"]) == (409, "confirm", "city putian")
    assert (await ask(desk, "PATCH", QUOTAS, {**halve, "confirmed": True}))[0] == 200


async def test_what_cannot_be_read_is_told_with_every_fault_and_audited(desk: Desk, database: Database) -> None:
    cities = {"putian": {"reserve": 1.5}, "ningde": {"cap": "many"}, "sanming": {"cab": 60}}
    status, told = await ask(desk, "PATCH", QUOTAS, {"base": "one", "cities": cities, "colour": 1})
    assert (status, told["error"]) == (422, "unreadable")
    assert [problem["where"] for problem in told["problems"]] == [
        "base", "why", "cities.putian.reserve", "cities.ningde.cap", "cities.sanming.cab", "colour",
    ]  # fmt: skip
    assert last_audited(database) == ("quota.refuse", "somebody")


async def test_who_may_look_and_who_may_change(desk: Desk, database: Database) -> None:
    for role, site, city in (
        (Role.MONITOR, None, None),
        (Role.ADMIN, None, "putian"),
        (Role.SUPERVISOR, "fuzhou", None),
    ):
        token = desk.token(role, site=site, city=city)
        assert (await ask(desk, "GET", QUOTAS, token=token))[0] == 200
        status, told = await ask(desk, "PATCH", QUOTAS, RISE, token=token)
        assert (status, told["error"]) == (403, "forbidden")
        assert last_audited(database) == ("quota.refuse", "somebody")
    for token in (desk.token(Role.AGENT), desk.token(Role.ADMIN, site="xiamen")):
        assert (await ask(desk, "GET", QUOTAS, token=token))[0] == 403
        assert (await ask(desk, "PATCH", QUOTAS, RISE, token=token))[0] == 403
        with database.transaction(reading=True) as connection:
            refused = fetch_audit(connection, newest=1)[0].after
        assert refused["kind"] == "forbidden"
    assert (await desk.client.patch(QUOTAS, json=RISE)).status == 401
    assert (await ask(desk, "PATCH", QUOTAS, RISE, token=desk.token(Role.OPERATOR, site="fuzhou")))[0] == 200


async def test_a_token_of_one_city_sees_its_row_alone(desk: Desk) -> None:
    token = desk.token(city="putian")
    _, told = await ask(desk, "GET", QUOTAS, token=token)
    assert [row["city"] for row in told["cities"]] == ["putian"]
    for path in (f"{QUOTAS}/history", f"{QUOTAS}/profiles"):
        assert (await ask(desk, "GET", path, token=token))[0] == 403


async def test_another_site_is_on_another_console(desk: Desk) -> None:
    status, told = await ask(desk, "GET", "/api/v1/sites/xiamen/quotas")
    assert (status, told["message"]) == (404, "this is the console of fuzhou")


async def test_without_redis_changes_are_written_and_use_is_unknown(desk: Desk, redis: RedisServer) -> None:
    redis.stop()
    try:
        status, told = await ask(desk, "PATCH", QUOTAS, RISE)
        assert (status, told["in_force"]) == (200, False)
        _, told = await ask(desk, "GET", QUOTAS)
        assert (told["version"], told["installed"], told["in_use"]) == (2, None, None)
    finally:
        redis.start()


async def test_the_document_is_given_without_a_token(desk: Desk) -> None:
    document = await (await desk.client.get("/api/v1/openapi.json")).json()
    served = {
        (route.method, route.resource.canonical)
        for route in desk.client.server.app.router.routes()  # type: ignore[attr-defined]
        if route.resource.canonical.startswith("/api/v1/") and route.method != "HEAD"
    }
    told = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
    assert served == told | {("GET", "/api/v1/openapi.json")}
