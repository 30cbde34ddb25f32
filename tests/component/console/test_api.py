"""The HTTP API over a real socket: who may see what, and what failures look like."""

import pytest

from console.errors import refusal_of
from console.keys import READINESS, TASKS
from tests.component.console.conftest import Desk
from tests.support.redis_server import RedisServer
from tests.unit.crm_adapter.records import record
from tieline import bus
from tieline.endings import cancel_until_done
from tieline.errors import ConnectionLost, DeadlineExceeded, LocalProtocolError
from tieline.principal import Role
from trunk_config.decision_times import DecisionTimes, leave

pytestmark = pytest.mark.component

LISTS = ["/api/picture", "/api/calls", "/api/tickets"]


async def deliver(desk: Desk) -> None:
    """Put three calls into SQL: two here, one of the other site."""
    await desk.store.deliver(
        [
            record(call_id="fuzhou-1:fuzhou-1-1.1", hangup_at=1000.0),
            record(call_id="fuzhou-1:fuzhou-1-1.2", hangup_at=2000.0, city="putian"),
            record(call_id="xiamen-1:xiamen-1-1.3", hangup_at=3000.0, city="xiamen", site="xiamen", node="xiamen-1"),
        ]
    )


@pytest.mark.parametrize("path", LISTS)
async def test_without_a_token_nothing_is_shown(desk: Desk, path: str) -> None:
    for header in ({}, desk.header("tl1_wrong"), {"Authorization": "Basic eDp5"}, {"Authorization": "Bearer"}):
        answer = await desk.client.get(path, headers=header)
        body = await answer.json()
        assert (answer.status, body["error"]) == (401, "unauthorized")
        assert "tieline token new" in body["hint"]
        assert answer.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("path", LISTS)
async def test_an_agent_and_another_site_are_forbidden(desk: Desk, path: str) -> None:
    strangers = [desk.token(site="xiamen"), desk.token(city="atlantis"), desk.token(Role.AGENT, site="xiamen")]
    for token in strangers if path == "/api/picture" else [*strangers, desk.token(Role.AGENT)]:
        answer = await desk.client.get(path, headers=desk.header(token))
        assert (answer.status, (await answer.json())["error"]) == (403, "forbidden")


async def test_lists_are_of_this_site_and_numbers_are_masked(desk: Desk) -> None:
    await deliver(desk)
    header = desk.header(desk.token())
    calls = (await (await desk.client.get("/api/calls", headers=header)).json())["calls"]
    tickets = (await (await desk.client.get("/api/tickets", headers=header)).json())["tickets"]
    assert [call["city"] for call in calls] == ["putian", "fuzhou"]
    assert [call["caller"] for call in calls] == ["…1234", "…1234"]
    assert {ticket["kind"] for ticket in tickets} == {"fault_report"}
    assert "100001234" not in str(calls) + str(tickets)
    one = await desk.client.get("/api/calls?newest=1", headers=header)
    assert [call["city"] for call in (await one.json())["calls"]] == ["putian"]


async def test_a_token_of_one_city_shows_that_city_alone(desk: Desk) -> None:
    await deliver(desk)
    header = desk.header(desk.token(city="putian"))
    for path, name in (("/api/calls", "calls"), ("/api/tickets", "tickets")):
        body = await (await desk.client.get(path, headers=header)).json()
        assert [found["city"] for found in body[name]] == ["putian"]


@pytest.mark.parametrize("newest", ["0", "-1", "1001", "all", "١", "1e3", ""])
async def test_a_wrong_count_is_told(desk: Desk, newest: str) -> None:
    answer = await desk.client.get("/api/calls", params={"newest": newest}, headers=desk.header(desk.token()))
    assert (answer.status, (await answer.json())["error"]) == (400, "bad_request")


async def test_failures_have_one_form(desk: Desk) -> None:
    missing = await desk.client.get("/api/nothing")
    assert (missing.status, set(await missing.json())) == (404, {"error", "message", "hint"})
    wrong = await desk.client.post("/api/calls")
    assert (wrong.status, (await wrong.json())["error"], wrong.headers["Allow"]) == (
        405,
        "method_not_allowed",
        "GET,HEAD",
    )


def test_a_missing_part_is_503_and_a_fault_of_ours_is_500() -> None:
    assert refusal_of(ConnectionLost("database: gone")).status == 503
    assert refusal_of(DeadlineExceeded("database", 5.0)).status == 503
    assert refusal_of(LocalProtocolError("secret detail")).status == 500
    assert "secret" not in refusal_of(LocalProtocolError("secret detail")).body()


async def test_the_page_and_its_parts_are_served_with_strict_headers(desk: Desk) -> None:
    for path in ("/", "/web/live.js", "/web/style.css", "/web/icon.svg"):
        answer = await desk.client.get(path)
        assert answer.status == 200
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert (await desk.client.get("/web/../app.py")).status == 404


async def test_health_tells_a_dead_task(desk: Desk) -> None:
    assert (await (await desk.client.get("/healthz")).json()) == {"status": "alive"}
    await cancel_until_done(desk.client.server.app[TASKS][0])  # type: ignore[attr-defined]
    assert (await desk.client.get("/healthz")).status == 500


async def test_readiness_names_each_part_and_since_when(desk: Desk, redis: RedisServer) -> None:
    readiness = desk.client.server.app[READINESS]  # type: ignore[attr-defined]
    first = await desk.client.get("/readyz")
    parts = (await first.json())["parts"]
    assert first.status == 503
    assert {name: part["ready"] for name, part in parts.items()} == {
        "redis": True, "sql": True, "node fuzhou-1": False, "agi": False,
    }  # fmt: skip
    assert parts["agi"]["reason"] == "no heartbeat"
    assert parts["agi"]["since"] == "2026-11-21T15:59:59.000Z"
    desk.now[0] += 10
    await desk.live.call("SET", "tl:hb:agi", f"{desk.now[0] - 1:.3f}")
    async with desk.client.ws_connect("/ws") as socket:
        await socket.send_json({"token": desk.token()})
        await socket.receive_json()
        await desk.live.tell(bus.NodeSeen(at=1.0, node="fuzhou-1", up=True))
        await socket.receive_json()
    await readiness.ask()
    second = await desk.client.get("/readyz")
    body = await second.json()
    assert (second.status, body["status"]) == (200, "ready")
    assert body["parts"]["agi"]["since"] == "2026-11-21T16:00:09.000Z"
    assert body["parts"]["redis"]["since"] == "2026-11-21T15:59:59.000Z"
    desk.now[0] += 60
    redis.stop()
    try:
        await readiness.ask()
    finally:
        redis.start()
    third = await (await desk.client.get("/readyz")).json()
    assert third["parts"]["redis"]["since"] == "2026-11-21T16:01:09.000Z"
    assert third["parts"]["sql"]["ready"]


async def test_a_stale_or_strange_heartbeat_is_not_ready(desk: Desk) -> None:
    readiness = desk.client.server.app[READINESS]  # type: ignore[attr-defined]
    for beat, reason in ((f"{desk.now[0] - 30:.3f}", "no heartbeat for 30 s"), ("soon", "no time under tl:hb:agi")):
        await desk.live.call("SET", "tl:hb:agi", beat)
        await readiness.ask()
        assert readiness.parts["agi"].reason == reason


async def test_metrics_tell_the_picture_the_parts_and_what_was_handed_in(desk: Desk) -> None:
    async with desk.client.ws_connect("/ws") as socket:
        await socket.send_json({"token": desk.token()})
        await socket.receive_json()
        arrived = bus.CallArrived(
            at=1.0,
            call_id="fuzhou-1:1.1",
            node="fuzhou-1",
            channel="c",
            uniqueid="u",
            city="fuzhou",
            number_state="shown",
        )
        await desk.live.tell(arrived, bus.AgentChanged(at=1.0, agent="a1001", state="ready"))
        await socket.receive_json()
        times = DecisionTimes()
        times.took("admit", 0.0004)
        times.took("admit", 0.03)
        await leave(desk.live, 1, times)
        text = await (await desk.client.get("/metrics")).text()
    assert 'tieline_admission_seconds_bucket{le="0.02",server="1",verdict="admit"} 1.0' in text
    assert 'tieline_admission_seconds_count{server="1",verdict="admit"} 2.0' in text
    assert 'server="0"' not in text
    assert 'tieline_calls{city="fuzhou",dialect="",state="menu"} 1.0' in text
    assert 'tieline_calls_counted{city="fuzhou",what="arrived"} 1.0' in text
    assert 'tieline_delivered{part="forwarder"} 7.0' in text
    assert 'tieline_events{part="bridge_fuzhou-1"} 3.0' in text
    assert 'tieline_part_ready{part="redis"} 1.0' in text
    assert "tieline_console_watchers 1.0" in text
