"""Transfers over HTTP: whose callers, where to, what is refused, what is told and written down."""

import asyncio
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from routing.keys import OFFERS, POOL, SEATS
from routing.offers import Offer, Waiting
from routing.seat_facts import PhoneAt
from routing.seats import EMPTY, SeatRules, after
from tests.component.console.conftest import ME, Desk
from tieline import bus
from tieline.database import Database
from tieline.errors import ConnectionLost
from tieline.live import EVENTS, Live
from tieline.model import AgentId, Business, CallId, CityId, DialectId, Need, NodeId, SiteId
from tieline.principal import Principal, Role
from tieline.store import fetch_audit

pytestmark = pytest.mark.component

CALL = "0193aa00-0000-7000-8000-000000000001"
NEED = Need(DialectId("min_dong"), Business.REPAIR, CityId("fuzhou"))
WAITING = Waiting(CallId(CALL), NodeId("fuzhou-1"), "PJSIP/edge-1-1", NEED, 1000.0, SiteId("fuzhou"))
TALK = Offer(WAITING, AgentId("a1001"), 7, lease_until=0.0, taken=True, answered_at=1005.0)


async def ask(desk: Desk, token: str, call: str = CALL, **wanted: str) -> tuple[int, Any]:
    path = f"/api/v1/calls/{call}/transfer"
    answer = await desk.client.post(path, json=wanted, headers=desk.header(token))
    return answer.status, await answer.json()


async def put(desk: Desk, offer: Offer, live: Live | None = None) -> None:
    await (live or desk.live).call("HSET", OFFERS, CALL, msgspec.json.encode(offer))


async def ready(desk: Desk, agent: str) -> None:
    seat = after(EMPTY, desk.now[0], SeatRules(), PhoneAt(NodeId("fuzhou-1"), reachable=True, at=desk.now[0]))
    await desk.live.call("HSET", SEATS, agent, msgspec.json.encode(seat))


async def asked(desk: Desk) -> list[bus.TransferAsked]:
    events = [bus.decode_event(raw) for _, raw in await desk.live.read("tl:events", "0-0", block_ms=1)]
    return [event for event in events if isinstance(event, bus.TransferAsked)]


def own_token(desk: Desk, agent: str) -> str:
    return desk.tokens.new(Principal(role=Role.AGENT, city=None, site=SiteId("fuzhou"), name=agent), by=ME).text


async def test_an_agent_hands_his_own_caller_on(desk: Desk, database: Database) -> None:
    await put(desk, TALK)
    status, told = await ask(desk, own_token(desk, "a1001"), to="business:billing:puxian")
    assert (status, told) == (200, {"call_id": CALL, "to": "business:billing:puxian", "step": "blind"})
    [event] = await asked(desk)
    wanted = (event.agent, event.step, event.to_agent, event.business, event.dialect, event.by)
    assert wanted == ("a1001", "blind", "", "billing", "puxian", "a1001")
    with database.transaction() as connection:
        line = fetch_audit(connection)[0]
    assert (line.action, line.subject) == ("call.transfer", f"call:{CALL}")


async def answered(desk: Desk, token: str, to: str, *events: bus.Event, at: Live | None = None) -> tuple[int, Any]:
    """Ask for a consultation, and tell events once that was passed on, at the call's site; gives the answer."""
    before = await desk.live.last_id()
    asking = asyncio.create_task(ask(desk, token, step="consult", to=to))
    await desk.live.read(EVENTS, before, block_ms=5000)
    await (at or desk.live).tell(*events)
    return await asking


def ringing(agent: str) -> bus.AgentRinging:
    return bus.AgentRinging(at=1.0, call_id=CALL, agent=agent)


def refused(agent: str, why: str) -> bus.ConsultRefused:
    return bus.ConsultRefused(at=1.0, call_id=CALL, agent="a1001", to_agent=agent, why=why)


async def test_a_consultation_of_the_own_site_wants_a_ready_agent(desk: Desk) -> None:
    await put(desk, TALK)
    token = desk.token(Role.SUPERVISOR)
    assert (await ask(desk, token, step="consult", to="agent:a1002"))[0] == 409, "offline"
    await ready(desk, "a1002")
    assert (await answered(desk, token, "agent:a1002", ringing("a1002")))[0] == 200
    assert [event.to_agent for event in await asked(desk)] == ["a1002"]


@pytest.mark.parametrize(
    ("why", "words"),
    [
        ("wrap_up", "a2001 is wrap up"),
        ("unseen", "xiamen is not seen now, so nobody knows what a2001 does"),
        ("silent", "xiamen did not answer in time whether a2001 can be had"),
        ("tiefull", "no channel of the tie line to xiamen is free for a2001"),
    ],
)
async def test_a_consultation_that_the_matchers_refuse_is_a_conflict_in_plain_words(
    desk: Desk, why: str, words: str
) -> None:
    await put(desk, TALK)
    status, told = await answered(desk, desk.token(Role.SUPERVISOR), "agent:a2001", refused("a2001", why))
    assert (status, told["error"]) == (409, "conflict"), told
    assert words in told["message"]


async def test_what_is_told_of_others_is_no_answer(desk: Desk) -> None:
    await put(desk, TALK)
    other_agent = refused("a2002", "silent")
    other_call = msgspec.structs.replace(refused("a2001", "silent"), call_id=CALL.replace("1", "2"))
    token = desk.token(Role.SUPERVISOR)
    status, _ = await answered(desk, token, "agent:a2001", other_agent, other_call, ringing("a2001"))
    assert status == 200


FAR_CALLER = replace(TALK, call=replace(WAITING, site=SiteId("xiamen"), node=NodeId("xiamen-1")))
"""As the agent's own site knows his talk with a caller of Xiamen."""


async def far_talk(desk: Desk, **known_there: Any) -> str:
    """Let Fuzhou's a1001 talk with a caller of Xiamen; gives his token."""
    await put(desk, FAR_CALLER)
    await put(desk, replace(FAR_CALLER, **known_there), desk.far)
    await ready(desk, "a1002")
    return own_token(desk, "a1001")


async def test_the_answer_to_who_talks_with_another_sites_caller_is_heard_there(desk: Desk) -> None:
    token = await far_talk(desk)
    assert (await answered(desk, token, "agent:a2001", ringing("a2001"), at=desk.far))[0] == 200
    status, told = await answered(desk, token, "agent:a2001", refused("a2001", "wrap_up"), at=desk.far)
    assert (status, told["message"]) == (409, "a2001 is wrap up")
    assert [event.to_agent for event in await asked(desk)] == ["a2001", "a2001"], "asked for at his own site"


async def test_a_consultation_that_only_the_callers_site_knows_of_is_led_on_from_the_agents_site(desk: Desk) -> None:
    token = await far_talk(desk, second=AgentId("a2001"), second_fence=8)
    assert (await ask(desk, token, step="join"))[0] == 200
    assert (await ask(desk, token, to="business:billing"))[0] == 409, "he consults"
    assert [event.step for event in await asked(desk)] == ["join"]


async def test_a_talk_that_the_callers_site_knows_nothing_of_any_more_is_over(desk: Desk) -> None:
    await put(desk, FAR_CALLER)
    assert (await ask(desk, own_token(desk, "a1001"), step="consult", to="agent:a2001"))[0] == 404


async def test_while_the_callers_site_is_not_seen_he_can_only_be_sent_on_at_once(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = await far_talk(desk)
    monkeypatch.setattr(desk.far, "call", nobody_there)
    status, told = await ask(desk, token, step="consult", to="agent:a2001")
    assert (status, told["message"]) == (409, "xiamen, whose caller this is, is not seen now")
    assert await asked(desk) == []
    assert (await ask(desk, token, to="business:billing"))[0] == 200


async def nobody_there(*_: object) -> None:
    raise ConnectionLost("redis: gone")


async def test_two_agents_away_from_the_callers_site_consult_each_other(desk: Desk) -> None:
    await put(desk, replace(TALK, agent=AgentId("a2001")))
    assert (await answered(desk, desk.token(Role.SUPERVISOR), "agent:a2003", ringing("a2003")))[0] == 200
    assert [event.to_agent for event in await asked(desk)] == ["a2003"]


async def test_the_end_of_a_consultation_wants_one(desk: Desk) -> None:
    await put(desk, TALK)
    token = desk.token(Role.SUPERVISOR)
    assert (await ask(desk, token, step="complete"))[0] == 409
    await put(desk, replace(TALK, second=AgentId("a1002"), second_fence=8))
    assert (await ask(desk, token, to="agent:a1003"))[0] == 409
    assert (await ask(desk, token, step="back", to="agent:a1003"))[0] == 422
    assert (await ask(desk, token, step="complete"))[0] == 200


@pytest.mark.parametrize(
    ("wanted", "status"),
    [
        ({"to": "somebody"}, 422),
        ({"to": "business:gardening"}, 422),
        ({"to": "business:billing:klingon"}, 422),
        ({"to": "agent:a9999"}, 422),
        ({"to": "agent:a1001"}, 409),
        ({"to": "agent:a1002"}, 409),
        ({"step": "dance"}, 422),
        ({}, 422),
    ],
)
async def test_what_makes_no_sense_is_refused_and_told_to_nobody(
    desk: Desk, wanted: dict[str, str], status: int
) -> None:
    await put(desk, TALK)
    assert (await ask(desk, desk.token(Role.SUPERVISOR), **wanted))[0] == status
    assert await asked(desk) == []


async def test_only_a_talk_can_be_handed_on(desk: Desk) -> None:
    token = desk.token(Role.SUPERVISOR)
    assert (await ask(desk, token, to="business:billing"))[0] == 404
    await desk.live.call("HSET", POOL, CALL, msgspec.json.encode(WAITING))
    assert (await ask(desk, token, to="business:billing"))[0] == 409
    await put(desk, replace(TALK, lease_until=2000.0))
    assert (await ask(desk, token, to="business:billing"))[0] == 409


async def test_others_callers_are_for_chiefs_of_their_scope(desk: Desk) -> None:
    await put(desk, TALK)
    for token in (own_token(desk, "a1002"), desk.token(Role.MONITOR), desk.token(Role.SUPERVISOR, city="putian")):
        assert (await ask(desk, token, to="business:billing"))[0] == 403
    assert await asked(desk) == []
