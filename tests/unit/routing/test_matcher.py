"""The matcher: one offer per agent and call, longest wait first, nobody forgotten."""

from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.matcher import Matcher
from routing.offers import WithdrawOffer
from routing.wishes import Asked, Reason, Wish
from tests.unit.routing.people import FUZHOU, LADDERS, RULES, agent, call, matcher, offers, pairs
from tieline.model import AgentId, AgentState, Business, CallId

pytestmark = pytest.mark.unit


def test_a_call_goes_to_the_agent_idle_longest() -> None:
    pool = matcher(agent("a1001"), agent("a1002"))
    pool.phone_seen(AgentId("a1001"), reachable=False, now=8)
    pool.phone_seen(AgentId("a1001"), reachable=True, now=9)
    assert pairs(pool.call_waiting(call("c1", 10), 10)) == [("c1", "a1002")]


def test_the_longest_wait_is_served_first() -> None:
    pool = Matcher({AgentId("a1001"): agent("a1001")}, RULES, LADDERS, frozenset((FUZHOU,)))
    pool.call_waiting(call("late", 20), 20)
    pool.call_waiting(call("early", 10), 21)
    assert pairs(pool.phone_seen(AgentId("a1001"), reachable=True, now=22)) == [("early", "a1001")]


def test_a_speaker_goes_before_the_longer_idle_agent_without_the_dialect() -> None:
    pool = matcher(agent("a1001"), agent("a1002", "puxian"))
    assert pairs(pool.call_waiting(call("c1", 0, "puxian"), 100)) == [("c1", "a1002")]


def test_a_dialect_caller_may_be_answered_in_mandarin_after_the_wait() -> None:
    pool = matcher(agent("a1001"))
    assert pairs(pool.call_waiting(call("c1", 100, "hakka"), 100)) == []
    looks = [100.0]
    while looks[-1] < 115:
        looks.append(pool.next_deadline(looks[-1]) or inf)
        assert pairs(pool.tick(looks[-1])) == ([("c1", "a1001")] if looks[-1] >= 115 else [])
    assert looks[-2:] == [114, 115], "where basic knowledge is enough, and where Mandarin is"


def test_business_is_never_relaxed() -> None:
    pool = matcher(agent("a1001", business=(Business.BILLING,)))
    pool.call_waiting(call("c1", 0), 0)
    assert pairs(pool.tick(1000)) == []
    assert pairs(pool.call_waiting(call("c2", 1, business=Business.OTHER), 1001)) == [("c2", "a1001")]


def test_no_answer_pauses_the_agent_and_the_call_keeps_its_place() -> None:
    pool = matcher(agent("a1001"), agent("a1002"))
    [offer] = offers(pool.call_waiting(call("c1", 10), 10))
    pool.taken(offer.call.call_id, offer.agent, offer.fence, 11)
    effects = pool.failed(offer.call.call_id, offer.agent, offer.fence, 21)
    assert [effect.why for effect in effects if isinstance(effect, WithdrawOffer)] == ["failed"]
    assert pool.seats[offer.agent].state is AgentState.NOT_READY
    other = "a1002" if offer.agent == "a1001" else "a1001"
    assert pairs(pool.call_waiting(call("c0", 15), 21)) == [("c0", other)]
    assert pairs(pool.call_waiting(call("c1", 10), 21)) == []
    again = pairs(pool.tick(21 + RULES.pause_s))
    assert [call_id for call_id, _ in again] == ["c1", "c0"]
    assert offer.agent in {name for _, name in again}


def test_a_lease_that_runs_out_gives_agent_and_call_back() -> None:
    pool = matcher(agent("a1001"))
    [first] = offers(pool.call_waiting(call("c1", 10), 10))
    effects = pool.tick(15)
    assert [effect.why for effect in effects if isinstance(effect, WithdrawOffer)] == ["lease"]
    [second] = offers(effects)
    assert (second.call.call_id, second.agent) == ("c1", "a1001")
    assert second.fence > first.fence
    assert pool.taken(first.call.call_id, first.agent, first.fence, 15) == []
    assert not pool.offers[CallId("c1")].taken


def test_a_call_that_is_gone_frees_the_agent_at_once() -> None:
    pool = matcher(agent("a1001"))
    pool.call_waiting(call("c1", 10), 10)
    pool.call_gone(CallId("c1"), 11)
    assert pool.seats[AgentId("a1001")].state is AgentState.READY
    assert not pool.offers


def test_news_of_an_end_that_comes_before_the_arrival_keeps_the_call_out() -> None:
    pool = matcher(agent("a1001"))
    pool.call_gone(CallId("c1"), 10)
    assert pool.call_waiting(call("c1", 9), 10.1) == []
    assert not pool.waiting


def test_a_talk_ends_in_wrap_up_and_then_the_next_call() -> None:
    pool = matcher(agent("a1001"))
    [offer] = offers(pool.call_waiting(call("c1", 10), 10))
    pool.taken(offer.call.call_id, offer.agent, offer.fence, 10)
    pool.answered(offer.call.call_id, offer.agent, 11)
    pool.call_waiting(call("c2", 12), 12)
    assert pairs(pool.call_gone(CallId("c1"), 60)) == []
    assert pool.seats[AgentId("a1001")].state is AgentState.WRAP_UP
    assert pairs(pool.tick(80)) == [("c2", "a1001")]


def test_a_phone_that_vanishes_takes_a_free_agent_out() -> None:
    pool = matcher(agent("a1001"))
    pool.phone_seen(AgentId("a1001"), reachable=False, now=5)
    assert pairs(pool.call_waiting(call("c1", 10), 10)) == []


def test_an_end_that_is_told_before_the_beginning_leaves_no_offer_behind() -> None:
    pool = matcher(agent("a1001"))
    [offer] = offers(pool.call_waiting(call("c1", 10), 10))
    pool.taken(offer.call.call_id, offer.agent, offer.fence, 11)
    pool.agent_free(offer.agent, 15, call_id=CallId("c1"), at=14)
    pool.answered(CallId("c1"), offer.agent, 15, at=12)
    assert not pool.offers
    assert (pool.seats[offer.agent].state, pool.seats[offer.agent].until) == (AgentState.WRAP_UP, 34)


def test_a_phone_that_the_safety_net_rings_is_not_rung_by_us_as_well() -> None:
    pool = matcher(agent("a1001"))
    pool.rung(CallId("c7"), AgentId("a1001"), 9)
    assert pairs(pool.call_waiting(call("c1", 10), 10)) == []
    assert pairs(pool.agent_free(AgentId("a1001"), 12, call_id=CallId("c7"))) == [("c1", "a1001")]


def test_a_list_without_the_agents_channel_ends_his_talk_and_leaves_an_offer_alone() -> None:
    pool = matcher(agent("a1001"))
    [offer] = offers(pool.call_waiting(call("c1", 10), 10))
    pool.phone_idle(offer.agent, 11)
    assert pool.seats[offer.agent].state is AgentState.OFFERED
    pool.answered(CallId("c1"), offer.agent, 12)
    pool.phone_idle(offer.agent, 40)
    assert pool.seats[offer.agent].state is AgentState.WRAP_UP
    assert not pool.offers


def test_who_asks_for_a_break_or_dials_himself_gets_no_call_until_it_is_over() -> None:
    pool = matcher(agent("a1001"))
    name = AgentId("a1001")
    pool.asked(name, Asked(9, Wish.NOT_READY, reason=Reason.MEAL, until=30), 9)
    assert pairs(pool.call_waiting(call("c1", 10), 10)) == []
    assert pairs(pool.tick(27)) == []
    assert pool.next_deadline(27) == 30
    pool.own_call(name, busy=True, now=29)
    assert pairs(pool.tick(30)) == []
    assert pairs(pool.own_call(name, busy=False, now=31)) == [("c1", "a1001")]


STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            [
                "wait",
                "gone",
                "take",
                "answer",
                "fail",
                "free",
                "phone",
                "nophone",
                "tick",
                "ring",
                "own",
                "idle",
                "ask",
            ]
        ),
        st.integers(0, 3),
        st.integers(0, 2),
        st.floats(0.1, 12),
    ),
    max_size=60,
)


@given(STEPS)
def test_any_sequence_of_events_keeps_one_offer_per_agent_and_forgets_nobody(
    steps: list[tuple[str, int, int, float]],
) -> None:
    agents = [agent("a1000"), agent("a1001", "puxian"), agent("a1002", "min_dong")]
    pool = matcher(*agents)
    now = 1000.0
    for what, number, who, later in steps:
        now += later
        call_id, name = CallId(f"c{number}"), agents[who].id
        offer = pool.offers.get(call_id)
        fence = offer.fence if offer else 0
        match what:
            case "wait":
                pool.call_waiting(call(f"c{number}", now, ("mandarin", "puxian")[number % 2]), now)
            case "gone":
                pool.call_gone(call_id, now)
            case "take":
                pool.taken(call_id, offer.agent if offer else name, fence, now)
            case "answer":
                pool.answered(call_id, offer.agent if offer else name, now)
            case "fail":
                pool.failed(call_id, offer.agent if offer else name, fence, now)
            case "free":
                pool.agent_free(name, now)
            case "phone" | "nophone":
                pool.phone_seen(name, reachable=what == "phone", now=now)
            case "ring":
                pool.rung(call_id, name, now)
            case "own":
                pool.own_call(name, busy=number > 1, now=now)
            case "idle":
                pool.phone_idle(name, now)
            case "ask":
                pool.asked(name, Asked(now, list(Wish)[number], reason=Reason.MEAL), now)
            case _:
                pool.tick(now)
        held = [offer.agent for offer in pool.offers.values()]
        assert len(held) == len(set(held)), "an agent with two offers"
        assert not pool.waiting.keys() & pool.offers.keys(), "a call both waiting and offered"
        ready = {name for name, seat in pool.seats.items() if seat.state is AgentState.READY}
        assert not ready & set(held), "a ready agent with an offer"
    pool.tick(now + 1000)
    idle = [name for name, seat in pool.seats.items() if seat.state is AgentState.READY]
    assert not (idle and pool.waiting), "a call waits while a fitting agent is idle"
