"""Why a call was offered to whom, over HTTP."""

import pytest

from routing.offers import MakeOffer, Offer, Waiting, WithdrawOffer
from routing.why import keeping
from tests.component.console.conftest import Desk
from tests.unit.routing.test_explain import DECISION
from tieline.model import AgentId, Business, CallId, CityId, DialectId, Need, NodeId, SiteId
from tieline.principal import Role

pytestmark = pytest.mark.component

CALL = CallId("fuzhou-1:1.1")
PATH = f"/api/v1/calls/{CALL}/decisions"
NEED = Need(DialectId("puxian"), Business.REPAIR, CityId("putian"))
WAITING = Waiting(CALL, NodeId("fuzhou-1"), "PJSIP/edge-1-1", NEED, 5.0, SiteId("fuzhou"))
OFFER = Offer(WAITING, AgentId("a1002"), 7, 1_790_000_005.5)


async def decided(desk: Desk) -> None:
    for effect in (MakeOffer(OFFER, DECISION), WithdrawOffer(OFFER, "failed")):
        for command in keeping(effect, 1_790_000_020.0):
            await desk.live.call(*command)


async def test_a_call_is_explained_with_all_that_was_decided_and_forgotten_after_a_week(desk: Desk) -> None:
    await decided(desk)
    answer = await desk.client.get(PATH, headers=desk.header(desk.token(Role.SUPERVISOR)))
    told = await answer.json()
    assert answer.status == 200
    assert told["call_id"] == CALL
    first, second = told["decisions"]
    assert (first["type"], first["city"], first["decision"]["agent"]) == ("offered", "putian", "a1002")
    assert first["decision"]["other_agents"][0]["lost"] == "not_yet"
    assert second == {"type": "ended", "at": 1_790_000_020.0, "agent": "a1002", "fence": 7, "why": "failed"}
    assert 604_000 < await desk.live.call("TTL", f"tl:why:{CALL}") <= 604_800


@pytest.mark.parametrize(
    ("path", "role", "city", "status"),
    [
        (PATH, Role.MONITOR, "putian", 200),
        (PATH, Role.MONITOR, "fuzhou", 404),
        (PATH, Role.AGENT, None, 403),
        ("/api/v1/calls/fuzhou-1:9.9/decisions", Role.MONITOR, None, 404),
        ("/api/v1/calls/nonsense/decisions", Role.MONITOR, None, 404),
    ],
)
async def test_who_may_see_it(desk: Desk, path: str, role: Role, city: str | None, status: int) -> None:
    await decided(desk)
    answer = await desk.client.get(path, headers=desk.header(desk.token(role, city=city)))
    assert answer.status == status


async def test_nobody_sees_it_without_a_token(desk: Desk) -> None:
    assert (await desk.client.get(PATH)).status == 401
