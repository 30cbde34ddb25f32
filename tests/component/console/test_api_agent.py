"""Agents, groups and the pool over HTTP: who sees them, who may ask what, and what is written down."""

from typing import Any

import msgspec
import pytest

from routing.keys import POOL, SEATS
from routing.offers import Waiting
from routing.seat_facts import PhoneAt
from routing.seats import EMPTY, SeatRules, after
from routing.waits import WAITS, Wait
from tests.component.console.conftest import ME, Desk
from tieline import bus
from tieline.database import Database
from tieline.model import Business, CallId, CityId, DialectId, Need, NodeId, SiteId
from tieline.principal import Principal, Role
from tieline.store import fetch_audit

pytestmark = pytest.mark.component

NODE = NodeId("fuzhou-1")
AGENT = "/api/v1/agents/a1001"
WISHES = f"{AGENT}/wishes"
MEAL = {"wish": "not_ready", "reason": "meal"}


async def get(desk: Desk, path: str, token: str, **query: str) -> tuple[int, Any]:
    answer = await desk.client.get(path, params=query, headers=desk.header(token))
    return answer.status, await answer.json()


async def ask(desk: Desk, wish: object, token: str, path: str = WISHES) -> tuple[int, Any]:
    answer = await desk.client.post(path, json=wish, headers=desk.header(token))
    return answer.status, await answer.json()


def own_token(desk: Desk, agent: str) -> str:
    return desk.tokens.new(Principal(role=Role.AGENT, city=None, site=SiteId("fuzhou"), name=agent), by=ME).text


async def seated(desk: Desk, agent: str) -> None:
    seat = after(EMPTY, desk.now[0], SeatRules(), PhoneAt(NODE, reachable=True, at=desk.now[0] - 60))
    await desk.live.call("HSET", SEATS, agent, msgspec.json.encode(seat))


async def asked(desk: Desk) -> list[bus.AgentAsked]:
    events = [bus.decode_event(raw) for _, raw in await desk.live.read("tl:events", "0-0", block_ms=1)]
    return [event for event in events if isinstance(event, bus.AgentAsked)]


async def test_agents_of_the_site_are_listed_with_what_they_do_and_where_their_phone_is(desk: Desk) -> None:
    await seated(desk, "a1001")
    token = desk.token(Role.MONITOR)
    status, told = await get(desk, "/api/v1/agents", token)
    assert status == 200
    assert {one["site"] for one in told["agents"]} == {"fuzhou"}
    first = told["agents"][0]
    assert (first["id"], first["state"], first["node"], first["idle_since"]) == (
        "a1001", "ready", "fuzhou-1", desk.now[0] - 60,
    )  # fmt: skip
    places = {one["id"]: (one["cities"], one["counties"]) for one in told["agents"]}
    assert (places["a1001"], places["a1009"]) == ((["fuzhou"], []), (["nanping"], ["guangze", "shaowu"]))
    assert [one["id"] for one in (await get(desk, "/api/v1/agents", token, state="ready"))[1]["agents"]] == ["a1001"]
    assert (await get(desk, AGENT, token))[1] == first
    puxian = (await get(desk, "/api/v1/agents", token, group="puxian"))[1]["agents"]
    assert puxian
    assert all(one["dialects"]["puxian"] in ("native", "fluent") for one in puxian)
    assert (await get(desk, "/api/v1/agents", token, group="nobody"))[0] == 404
    assert (await get(desk, "/api/v1/agents", token, state="asleep"))[0] == 400


async def test_a_supervisors_wish_is_told_to_the_matcher_and_written_down(desk: Desk, database: Database) -> None:
    end = desk.now[0] + 600
    wish = {"wish": "not_ready", "reason": "supervisor", "until": end}
    assert (await ask(desk, wish, desk.token(Role.SUPERVISOR)))[0] == 200
    [event] = await asked(desk)
    assert (event.agent, event.wish, event.reason, event.until, event.by) == (
        "a1001", "not_ready", "supervisor", end, "somebody",
    )  # fmt: skip
    with database.transaction(reading=True) as connection:
        [line] = fetch_audit(connection, subject="agent:a1001")
    assert (line.action, line.after) == ("agent.not_ready", {"reason": "supervisor", "until": end})


async def test_an_agent_asks_for_himself_and_sees_himself_alone(desk: Desk) -> None:
    token = own_token(desk, "a1001")
    assert (await ask(desk, {"wish": "login", "session": "tab-1"}, token))[0] == 200
    assert (await ask(desk, {**MEAL, "session": "tab-1"}, token))[0] == 200
    assert [(event.wish, event.session) for event in await asked(desk)] == [
        ("login", "tab-1"),
        ("not_ready", "tab-1"),
    ]
    assert (await get(desk, AGENT, token))[0] == 200
    assert (await get(desk, "/api/v1/agents/a1002", token))[0] == 403
    assert (await ask(desk, MEAL, token, "/api/v1/agents/a1002/wishes"))[0] == 403
    assert (await ask(desk, {"wish": "not_ready", "reason": "supervisor"}, token))[0] == 422


@pytest.mark.parametrize(
    ("role", "wish", "path", "status"),
    [
        (Role.MONITOR, MEAL, WISHES, 403),
        (Role.INTEGRATOR, MEAL, WISHES, 403),
        (Role.SUPERVISOR, MEAL, "/api/v1/agents/a9999/wishes", 404),
        (Role.SUPERVISOR, MEAL, "/api/v1/agents/a2001/wishes", 404),
        (Role.SUPERVISOR, {"wish": "not_ready", "reason": "no_answer"}, WISHES, 422),
        (Role.SUPERVISOR, {"wish": "not_ready"}, WISHES, 422),
        (Role.SUPERVISOR, {**MEAL, "until": 5.0}, WISHES, 422),
        (Role.SUPERVISOR, {"wish": "ready", "reason": "meal"}, WISHES, 422),
        (Role.SUPERVISOR, {"wish": "ready", "session": "é" * 3}, WISHES, 422),
        (Role.SUPERVISOR, {"wish": "dance"}, WISHES, 422),
        (Role.SUPERVISOR, {"wish": "ready", "for": "ever"}, WISHES, 422),
    ],
)
async def test_what_is_not_allowed_or_makes_no_sense_changes_nothing(
    desk: Desk, database: Database, role: Role, wish: object, path: str, status: int
) -> None:
    assert (await ask(desk, wish, desk.token(role), path))[0] == status
    assert (await desk.client.post(path, json=wish)).status == 401
    assert await asked(desk) == []
    with database.transaction(reading=True) as connection:
        assert [line.action for line in fetch_audit(connection)] == ["token.new"]


async def test_groups_are_listed_with_their_members(desk: Desk) -> None:
    _, told = await get(desk, "/api/v1/groups", desk.token(Role.SUPERVISOR))
    assert [group["id"] for group in told["groups"]] == ["puxian", "hakka", "fuzhou-complaints"]
    assert all(group["members"] for group in told["groups"])


async def test_the_pool_tells_who_waits_at_which_step_and_who_could_take_him(desk: Desk) -> None:
    now = desk.now[0]
    for name, city, dialect, since in (("1", "fuzhou", "mandarin", now - 2), ("2", "putian", "puxian", now - 70)):
        need = Need(DialectId(dialect), Business.REPAIR, CityId(city))
        call = Waiting(CallId(f"fuzhou-1:{name}"), NODE, f"PJSIP/edge-1-{name}", need, since, SiteId("fuzhou"))
        await desk.live.call("HSET", POOL, call.call_id, msgspec.json.encode(call))
    await desk.live.call("HSET", WAITS, "fuzhou-1:2", msgspec.json.encode(Wait(0, 12.0, now)))
    await seated(desk, "a1001")
    status, told = await get(desk, "/api/v1/pool", desk.token(Role.SUPERVISOR))
    assert status == 200
    longest, newest = told["waiting"]
    assert (longest["call_id"], longest["waited_s"], longest["ahead"], longest["expected_s"]) == (
        "fuzhou-1:2", 70.0, 0, 12.0,
    )  # fmt: skip
    assert longest["step"] == longest["steps"] > 1
    assert longest["ready"] == ["a1001"], "in Mandarin, by now"
    assert (newest["ahead"], newest["ready"]) == (-1, ["a1001"])
    _, putian = await get(desk, "/api/v1/pool", desk.token(Role.SUPERVISOR, city="putian"))
    assert [call["call_id"] for call in putian["waiting"]] == ["fuzhou-1:2"]
