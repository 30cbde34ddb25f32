"""What a drill of the routing finds: each fault that it looks for, and nothing where there is none."""

from collections.abc import Iterable

import msgspec
import pytest

from lab.books import Difference
from lab.routing_judge import (
    Ring,
    offered_twice,
    out_of_order,
    ringing_for_nobody,
    rings_of,
    rung_twice,
    unjustified,
)
from routing.agents import Agent
from routing.why import CallDecisions, Ended, Offered
from tests.unit.routing.test_explain import DECISION
from tieline import bus
from tieline.model import MANDARIN, AgentId, Business, CallId, DialectId, Level, SiteId

pytestmark = pytest.mark.unit

FUZHOU, XIAMEN = SiteId("fuzhou"), SiteId("xiamen")
STAFF = {AgentId(name): Agent(AgentId(name), site, name, {}, {}) for name, site in (("a1", FUZHOU), ("a2", XIAMEN))}


def names(found: Iterable[Difference]) -> list[str]:
    return [one.call for one in found]


def ringing(call_id: str, agent: str, at: float) -> bus.AgentRinging:
    return bus.AgentRinging(at=at, call_id=call_id, agent=agent)


def answered(call_id: str, agent: str, at: float) -> bus.AgentAnswered:
    return bus.AgentAnswered(at=at, call_id=call_id, agent=agent)


def leg_gone(call_id: str, agent: str, at: float) -> bus.AgentLegGone:
    return bus.AgentLegGone(at=at, call_id=call_id, agent=agent)


def waiting(call_id: str, since: float, dialect: str = "min_nan", lane: str = "normal") -> bus.CallWaiting:
    return bus.CallWaiting(
        at=since,
        call_id=call_id,
        node="fuzhou-1",
        channel="c",
        city="fuzhou",
        dialect=dialect,
        business="repair",
        since=since,
        lane=lane,
    )


def taken(call_id: str, agent: str, at: float) -> bus.OfferTaken:
    return bus.OfferTaken(at=at, call_id=call_id, channel="c", agent=agent, fence=1)


def made(call_id: str, agent: str, at: float) -> bus.OfferMade:
    return bus.OfferMade(at=at, call_id=call_id, agent=agent, fence=1, lease_until=at + 5)


def test_legs_are_put_together_and_one_after_the_other_is_well() -> None:
    first: list[bus.Event] = [ringing("c1", "a1", 1), answered("c1", "a1", 2), leg_gone("c1", "a1", 3)]
    told_again = [*first, *first]
    rings = rings_of({FUZHOU: [*told_again, ringing("c2", "a1", 3), leg_gone("c2", "a1", 4)]}, STAFF)
    assert rings == [Ring("c1", "a1", 1, 2, 3), Ring("c2", "a1", 3, 0, 4)]
    assert list(rung_twice(rings)) == []


def test_an_agent_with_two_legs_and_a_call_with_two_agents_are_named() -> None:
    two_calls: list[bus.Event] = [
        ringing("c1", "a1", 1),
        ringing("c2", "a1", 2),
        leg_gone("c1", "a1", 3),
        leg_gone("c2", "a1", 4),
    ]
    assert names(rung_twice(rings_of({FUZHOU: two_calls}, STAFF))) == ["a1"]
    here: list[bus.Event] = [ringing("c1", "a1", 1), leg_gone("c1", "a1", 3)]
    there: list[bus.Event] = [ringing("c1", "a2", 2), leg_gone("c1", "a2", 3)]
    assert names(rung_twice(rings_of({FUZHOU: here, XIAMEN: there}, STAFF))) == ["c1"]
    assert names(rung_twice([Ring("c1", "a1", 1, 2), Ring("c2", "a1", 5, 6, 7)])) == ["a1"]


def test_a_leg_over_the_tie_line_is_one_leg_told_by_both_sites() -> None:
    here: list[bus.Event] = [ringing("c1", "a2", 1), leg_gone("c1", "a2", 4)]
    there: list[bus.Event] = [ringing("c1", "a2", 2), leg_gone("c1", "a2", 3)]
    rings = rings_of({FUZHOU: here, XIAMEN: there}, STAFF)
    assert rings == [Ring("c1", "a2", 2, 0, 3)]


def test_ringing_counts_from_when_the_caller_left_or_from_the_first_ring() -> None:
    rings = [
        Ring("left", "a1", since=1, until=3),
        Ring("rung-late", "a2", since=5, until=5.25),
        Ring("talked", "a3", since=1, answered_at=2, until=9),
        Ring("stayed", "a4", since=1, until=2),
    ]
    assert ringing_for_nobody(rings, {"left": 2.5, "rung-late": 4, "talked": 3}) == {"left": 0.5, "rung-late": 0.25}


def test_an_offer_while_another_one_is_open_is_named() -> None:
    over = bus.OfferWithdrawn(at=2, call_id="c1", agent="a1", fence=1, why="lease")
    well: list[bus.Event] = [made("c1", "a1", 1), over, made("c1", "a2", 2), made("c2", "a1", 2)]
    assert list(offered_twice({FUZHOU: well})) == []
    assert names(offered_twice({FUZHOU: [made("c1", "a1", 1), made("c1", "a2", 2)]})) == ["c1"]
    assert names(offered_twice({FUZHOU: [made("c1", "a1", 1), made("c2", "a1", 2)]})) == ["a1"]


def test_the_older_of_two_who_ask_the_same_goes_first() -> None:
    arrived: list[bus.Event] = [waiting("old", 1), waiting("young", 2)]
    assert names(out_of_order({FUZHOU: [*arrived, made("young", "a1", 3)]})) == ["old"]
    assert names(out_of_order({FUZHOU: [*arrived, made("old", "a1", 3), made("young", "a2", 3)]})) == []


def test_a_higher_lane_goes_first_whoever_came_first() -> None:
    arrived: list[bus.Event] = [waiting("old", 1), waiting("hospital", 2, lane="important"), waiting("young", 3)]
    assert names(out_of_order({FUZHOU: [*arrived, made("young", "a1", 4)]})) == ["old", "hospital"]
    assert names(out_of_order({FUZHOU: [*arrived, made("hospital", "a1", 4)]})) == []
    late: list[bus.Event] = [waiting("hospital", 2, lane="important"), waiting("old", 1)]
    assert names(out_of_order({FUZHOU: [*late, made("old", "a1", 4)]})) == ["hospital"]


@pytest.mark.parametrize(
    "events",
    [
        [waiting("old", 1, dialect="hakka"), waiting("young", 2), made("young", "a1", 3)],
        [waiting("old", 1, lane="callback"), waiting("young", 2), made("young", "a1", 3)],
        [waiting("young", 2), waiting("old", 1), made("young", "a1", 3)],
        [waiting("old", 1), waiting("young", 2), made("young", "a1", 3), made("old", "a2", 3.5)],
        [waiting("old", 1), taken("old", "a2", 2), waiting("young", 2), made("young", "a1", 3)],
    ],
    ids=["another dialect", "another lane", "told later", "on its way to the other site", "rung at the other site"],
)
def test_who_asks_something_else_or_is_served_at_once_is_not_passed_over(events: list[bus.Event]) -> None:
    assert list(out_of_order({FUZHOU: events})) == []


AGENT = Agent(
    AgentId("a1002"),
    FUZHOU,
    "x",
    {MANDARIN: Level.FLUENT, DialectId("puxian"): Level.BASIC},
    {Business.REPAIR: Level.FLUENT},
)
TALK = Ring("c1", "a1002", DECISION.at + 1, DECISION.at + 2, DECISION.at + 9)


def kept(**changes: object) -> dict[CallId, CallDecisions]:
    decision = msgspec.structs.replace(DECISION, **changes)
    offered = Offered(city="putian", decision=decision, lease_until=0)
    ended = Ended(at=DECISION.at, agent="a9", fence=1, why="lease")
    return {CallId("c1"): CallDecisions(call_id="c1", decisions=[ended, offered])}


def test_a_talk_is_justified_by_a_decision_that_agrees_with_the_agent() -> None:
    agents = {AGENT.id: AGENT}
    assert list(unjustified([TALK], kept(), agents)) == []
    assert list(unjustified([Ring("c1", "a1002", 1, until=2)], {}, agents)) == []


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"agent": AgentId("a7")}, "nothing explains"),
        ({"at": DECISION.at + 5}, "nothing explains"),
        ({"business": "billing"}, "not trained"),
        ({"accept": "fluent"}, "the step wants fluent"),
        ({"dialect": "hakka", "accept": "mandarin"}, "explained with"),
        ({"wait_s": 3.0}, "opens after"),
    ],
)
def test_a_talk_that_nothing_justifies_is_named(changes: dict[str, object], what: str) -> None:
    [found] = unjustified([TALK], kept(**changes), {AGENT.id: AGENT})
    assert what in found.what
