"""The live socket: token first, a snapshot, then changes; nobody is buffered for ever."""

import asyncio
import json
from typing import Any

import msgspec
import pytest
from aiohttp import ClientWebSocketResponse, WSMsgType

from console.follower import CLOSE_TOO_SLOW, MESSAGES_KEPT, Follower
from console.keys import FOLLOWER
from console.sight import Sight
from ivr_prompts.notice import Notice
from ivr_prompts.notice_live import write_copy
from tests.component.console.conftest import ME, Desk
from tests.unit.crm_adapter.records import record
from tests.unit.trunk_config.network import TOPOLOGY, version
from tieline import bus
from tieline.endings import cancel_until_done
from tieline.live import EVENTS
from tieline.model import CityId
from tieline.principal import Role
from trunk_config.admission import IN_USE
from trunk_config.in_force import put_in_force
from trunk_config.surge_live import write_states

pytestmark = pytest.mark.component


def arrived(which: int, *, city: str = "fuzhou") -> bus.CallArrived:
    """One of many calls."""
    return bus.CallArrived(
        at=float(which),
        call_id=f"fuzhou-1:fuzhou-1-1.{which}",
        node="fuzhou-1",
        channel="c",
        uniqueid=f"fuzhou-1-1.{which}",
        city=city,
        number_state="shown",
        number="+8659100001234",
    )


async def opened(desk: Desk, socket: ClientWebSocketResponse, token: str) -> dict[str, Any]:
    """Name the token and take the snapshot."""
    await socket.send_json({"token": token})
    snapshot: dict[str, Any] = await socket.receive_json(timeout=5)
    assert snapshot["type"] == "snapshot", snapshot
    return snapshot


async def test_a_snapshot_and_then_what_changes(desk: Desk) -> None:
    await desk.live.tell(arrived(1))
    async with desk.client.ws_connect("/ws") as first:
        await opened(desk, first, desk.token())
        await desk.live.tell(arrived(2))
        while "fuzhou-1:fuzhou-1-1.2" not in (await first.receive_json(timeout=5))["calls"]:
            pass
        async with desk.client.ws_connect("/ws") as second:
            snapshot = await opened(desk, second, desk.token())
            assert set(snapshot["picture"]["calls"]) == {"fuzhou-1:fuzhou-1-1.1", "fuzhou-1:fuzhou-1-1.2"}
            assert snapshot["now"] == desk.now[0]
            made = bus.TicketMade(at=3.0, call_id="fuzhou-1:1", ticket="t1", kind="callback", city="fuzhou")
            await desk.live.tell(made)
            for socket in (first, second):
                delta = await socket.receive_json(timeout=5)
                assert (delta["type"], [ticket["ticket"] for ticket in delta["tickets"]]) == ("delta", ["t1"])
                assert delta["counts"] == {"fuzhou": {"arrived": 2, "tickets": 1}}


async def test_the_page_learns_the_names_it_needs_and_no_number(desk: Desk) -> None:
    async with desk.client.ws_connect("/ws") as socket:
        about = (await opened(desk, socket, desk.token()))["about"]
        await desk.live.tell(arrived(1))
        delta = await socket.receive_str(timeout=5)
    assert (about["hotline"], about["site"]["id"]) == ("95598", "fuzhou")
    assert {"id": "fuzhou", "name": "福州", "english": "Fuzhou", "area_code": "0591"}.items() <= about["cities"][
        0
    ].items()
    assert {kind["id"] for kind in about["kinds"]} >= {"fault_report", "callback"}
    assert "…1234" in delta
    assert "100001234" not in delta


async def test_a_token_of_one_city_sees_that_city_alone(desk: Desk) -> None:
    async with desk.client.ws_connect("/ws") as socket:
        snapshot = await opened(desk, socket, desk.token(city="putian"))
        assert [city["id"] for city in snapshot["about"]["cities"]] == ["putian"]
        await desk.live.tell(arrived(1), bus.AgentChanged(at=1.0, agent="a1001", state="ready"))
        await desk.live.tell(arrived(2, city="putian"))
        delta = await socket.receive_json(timeout=5)
    assert set(delta["calls"]) == {"fuzhou-1:fuzhou-1-1.2"}
    assert (delta["agents"], set(delta["counts"])) == ({}, {"putian"})


@pytest.mark.parametrize("hello", ['{"token": "tl1_wrong"}', "{}", "tl1_wrong", '{"token": 7}', '["a"]'])
async def test_without_a_good_token_the_socket_is_closed_with_the_reason(desk: Desk, hello: str) -> None:
    async with desk.client.ws_connect("/ws") as socket:
        await socket.send_str(hello)
        assert (await socket.receive_json(timeout=5))["error"] == "unauthorized"
        assert (await socket.receive(timeout=5)).type is WSMsgType.CLOSE
        assert socket.close_code == 4401


async def test_an_agent_of_another_site_is_forbidden(desk: Desk) -> None:
    async with desk.client.ws_connect("/ws") as socket:
        await socket.send_json({"token": desk.token(Role.AGENT, site="xiamen")})
        assert (await socket.receive_json(timeout=5))["error"] == "forbidden"


async def test_bytes_or_silence_or_a_flood_first_end_it(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    async with desk.client.ws_connect("/ws") as socket:
        await socket.send_bytes(b"\xff\xfe")
        assert (await socket.receive_json(timeout=5))["message"] == "the first message must hold the token"
    async with desk.client.ws_connect("/ws") as socket:
        await socket.send_str("x" * 10_000)
        while (await socket.receive(timeout=5)).type not in {WSMsgType.CLOSE, WSMsgType.CLOSED, WSMsgType.CLOSING}:
            pass
    monkeypatch.setattr("console.live_socket.HELLO_S", 0.05)
    async with desk.client.ws_connect("/ws") as socket:
        assert (await socket.receive_json(timeout=5))["message"] == "no token within the time"
    assert desk.client.server.app[FOLLOWER].watchers == 0  # type: ignore[attr-defined]


async def test_a_revoked_token_stops_seeing(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("console.live_socket.VERIFY_AGAIN_S", 0.05)
    token = desk.token()
    async with desk.client.ws_connect("/ws") as socket:
        await opened(desk, socket, token)
        desk.now[0] += 10  # past the time that a verified token is believed
        for known in desk.tokens.all():
            desk.tokens.revoke(known.id, by=ME)
        assert (await socket.receive_json(timeout=5))["error"] == "unauthorized"
        assert (await socket.receive(timeout=5)).type is WSMsgType.CLOSE


async def test_too_many_pages_are_turned_away(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("console.live_socket.PAGES_AT_MOST", 0)
    async with desk.client.ws_connect("/ws") as socket:
        assert (await socket.receive(timeout=5)).type is WSMsgType.CLOSE
        assert socket.close_code == 4429


async def test_a_page_that_does_not_keep_up_is_dropped(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("console.follower.TICK_S", 0.001)
    follower: Follower = desk.client.server.app[FOLLOWER]  # type: ignore[attr-defined]
    watcher, _ = follower.watch(Sight())
    which = 0
    while not watcher.ended.is_set():
        which += 1
        await desk.live.tell(arrived(which))
    assert (watcher.close_code, follower.dropped, follower.watchers) == (CLOSE_TOO_SLOW, 1, 0)
    assert watcher.messages.qsize() == MESSAGES_KEPT


async def test_the_server_says_so_when_it_drops_a_page(desk: Desk) -> None:
    follower: Follower = desk.client.server.app[FOLLOWER]  # type: ignore[attr-defined]
    async with desk.client.ws_connect("/ws") as socket:
        await opened(desk, socket, desk.token())
        follower.end_all()
        assert (await socket.receive(timeout=5)).type is WSMsgType.CLOSE
        assert socket.close_code == 1001
    while follower.watchers:
        await desk.client.get("/healthz")


async def test_stopping_does_not_wait_for_open_pages(desk: Desk) -> None:
    socket = await desk.client.ws_connect("/ws")
    await opened(desk, socket, desk.token())
    async with asyncio.timeout(3):
        await desk.client.server.close()
        assert (await socket.receive()).type is WSMsgType.CLOSE


async def test_tickets_made_before_the_bus_remembers_come_from_sql(desk: Desk) -> None:
    (ticket,) = await desk.store.deliver([record(call_id="fuzhou-1:fuzhou-1-1.1")])
    follower = Follower(desk.live, desk.store, "fuzhou")
    watcher, _ = follower.watch(Sight())
    task = asyncio.create_task(follower.run())
    delta = await asyncio.wait_for(watcher.messages.get(), 5)
    task.cancel()
    await asyncio.wait([task])
    assert ticket.ticket in delta


async def test_notices_that_hold_already_and_their_names_are_in_the_first_picture(desk: Desk) -> None:
    notice = Notice(city="fuzhou", county="gulou", cause="storm", until=desk.now[0] + 600, by="li", since=desk.now[0])
    await write_copy(desk.live, [notice], desk.now[0])
    surge = bus.SurgeChanged(at=desk.now[0], city="putian", state="rising", calls=30, usual=9.5)
    await write_states(desk.live, {CityId("putian"): surge})
    await desk.live.call("DEL", EVENTS)  # the bus has forgotten that it was told
    follower = Follower(desk.live, desk.store, "fuzhou")
    watcher, _ = follower.watch(Sight())
    task = asyncio.create_task(follower.run())
    delta = await asyncio.wait_for(watcher.messages.get(), 5)
    await cancel_until_done(task)
    assert json.loads(delta)["notices"]["fuzhou/gulou"]["cause"] == "storm"
    assert json.loads(delta)["surges"]["putian"]["calls"] == 30
    async with desk.client.ws_connect("/ws") as socket:
        about = (await opened(desk, socket, desk.token()))["about"]
    assert about["counties"]["gulou"] == "鼓楼"
    assert {"id": "storm", "name": "雷雨大风", "english": "thunderstorm"} in about["causes"]


async def test_an_agent_sees_the_situation_outside_as_it_changes_and_nothing_else(desk: Desk) -> None:
    now = desk.now[0]
    await desk.live.tell(arrived(1), bus.SurgeChanged(at=now, city="putian", state="surge", calls=90, usual=9.5))
    gulou = bus.NoticeChanged(at=now, city="fuzhou", county="gulou", cause="storm", until=now + 60, since=now)
    async with desk.client.ws_connect("/ws") as everybody, desk.client.ws_connect("/ws") as agent:
        picture = (await opened(desk, everybody, desk.token()))["picture"]
        while not picture["surges"]:
            picture = await everybody.receive_json(timeout=5)
        snapshot = await opened(desk, agent, desk.token(Role.AGENT))
        assert snapshot["about"]["outside_alone"] is True
        assert snapshot["picture"]["surges"]["putian"]["calls"] == 90
        assert {name for name, value in snapshot["picture"].items() if value} == {"at", "surges"}
        await desk.live.tell(arrived(2), gulou)
        delta = await agent.receive_json(timeout=5)
        assert {name for name, value in delta.items() if value} == {"type", "at", "notices"}
        assert delta["notices"]["fuzhou/gulou"]["cause"] == "storm"
    header = desk.header(desk.token(Role.AGENT, city="putian"))
    part = await (await desk.client.get("/api/picture", headers=header)).json()
    assert (set(part["surges"]), part["notices"], part["calls"]) == ({"putian"}, {}, {})


async def test_lines_of_each_city_are_told_as_they_change(desk: Desk) -> None:
    await put_in_force(desk.live, TOPOLOGY, version(), now=1.0)
    async with desk.client.ws_connect("/ws") as everything, desk.client.ws_connect("/ws") as of_putian:
        await opened(desk, everything, desk.token())
        await opened(desk, of_putian, desk.token(city="putian"))
        await desk.live.call("HSET", IN_USE, "putian", 12, "fuzhou", 3)
        await desk.live.tell(msgspec.structs.replace(arrived(1, city="putian"), refused_cause=34))
        await put_in_force(desk.live, TOPOLOGY, version(2, "typhoon"), now=2.0)
        wanted = {"in_use": 12, "reserve": 17, "cap": 60, "refused": 1}
        for socket, cities in ((everything, {"putian", "fuzhou"}), (of_putian, {"putian"})):
            lines: dict[str, Any] = {}
            quota: dict[str, Any] = {}
            while lines.get("putian") != wanted or not quota:
                delta = await socket.receive_json(timeout=5)
                lines |= delta["lines"]
                quota = delta["quota"] if (delta["quota"] or {}).get("version") == 2 else quota
            assert quota == {"version": 2, "profile": "typhoon", "lines": 240, "in_use": 15}
            assert {city for city, view in lines.items() if view["in_use"]} == cities
        metrics = await (await desk.client.get("/metrics")).text()
    for line in (
        'tieline_lines_in_use{city="putian"} 12.0',
        'tieline_lines_reserve{city="putian"} 17.0',
        'tieline_lines_cap{city="putian"} 60.0',
        'tieline_refused_total{cause="34",city="putian"} 1.0',
        "tieline_site_lines 240.0",
        "tieline_quota_in_force 2.0",
    ):
        assert line in metrics
