"""Callers who go on with another agent: at once, or after a consultation."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from routing.decision import Cause
from routing.exchange import MOVING_S
from routing.matcher import Matcher
from routing.offers import (
    AloneLeg,
    Effect,
    EndLeg,
    JoinLeg,
    MoveCall,
    NextLeg,
    Offer,
    Onward,
    RefuseConsult,
    Step,
    StepConsult,
    Waiting,
)
from tests.unit.routing.people import FUZHOU, XIAMEN, agent, call, decision, matcher, offers, pairs
from tieline.model import AgentId, AgentState, Business, CallId

pytestmark = pytest.mark.unit

ANNE, BEN, CAO = AgentId("a1001"), AgentId("a1002"), AgentId("a1003")
C1 = CallId("c1")
TO_BEN, ANYBODY = Onward(BEN), Onward(business="billing")


def talking(*more: str, since: float = 10.0) -> tuple[Matcher, Offer]:
    """Let Anne talk with c1 from 12 on; Ben and Cao are ready."""
    pool = matcher(*(agent(name) for name in (ANNE, BEN, CAO, *more)))
    [offer] = offers(pool.call_waiting(call("c1", since), since))
    assert offer.agent == ANNE
    pool.taken(C1, ANNE, offer.fence, since + 1)
    pool.rung(C1, ANNE, since + 1)
    pool.answered(C1, ANNE, since + 2)
    return pool, offer


def moved(at: float, wanted: str = "", business: Business = Business.REPAIR) -> Waiting:
    return replace(call("c1", 10, business=business), moved_at=at, wanted=AgentId(wanted))


def steps(effects: Sequence[Effect]) -> list[tuple[str, str]]:
    return [(one.step, one.second) for one in effects if isinstance(one, StepConsult)]


# At once -----------------------------------------------------------------------------------------------------


def test_a_transfer_takes_the_caller_out_of_his_talk_once() -> None:
    pool, offer = talking()
    effects = pool.transfer(C1, ANNE, Step.BLIND, TO_BEN, 20)
    assert effects == [MoveCall(offer.call, TO_BEN)]
    assert pool.transfer(C1, ANNE, Step.BLIND, TO_BEN, 20.1) == [], "asked for twice"
    assert pool.seats[ANNE].state is AgentState.TALKING, "until he has left"
    assert pool.transfer(C1, ANNE, Step.BLIND, TO_BEN, 20 + MOVING_S) != [], "the first one came to nothing"


def test_only_the_agent_who_has_the_caller_can_be_left() -> None:
    pool, _ = talking()
    assert pool.transfer(C1, BEN, Step.BLIND, TO_BEN, 20) == []
    assert pool.transfer(CallId("c2"), ANNE, Step.BLIND, TO_BEN, 20) == []
    pool.call_gone(C1, 21)
    assert pool.transfer(C1, ANNE, Step.BLIND, TO_BEN, 22) == []


@pytest.mark.parametrize("leg_first", [True, False])
def test_the_caller_goes_to_the_wanted_agent_and_the_first_one_has_his_wrap_up(leg_first: bool) -> None:
    pool, _ = talking()
    pool.transfer(C1, ANNE, Step.BLIND, Onward(CAO), 20)
    if leg_first:
        pool.agent_free(ANNE, 20.2, C1)
    effects = pool.call_waiting(moved(20.1, CAO), 20.2)
    assert pairs(effects) == [("c1", CAO)], "Ben is idle for longer"
    assert decision(effects).cause is Cause.TRANSFER
    assert decision(effects).wait_s == pytest.approx(10.2), "he keeps his place"
    if not leg_first:
        pool.agent_free(ANNE, 20.3, C1)
    assert pool.seats[ANNE].state is AgentState.WRAP_UP
    assert pool.seats[CAO].state is AgentState.OFFERED


def test_a_wanted_agent_who_is_busy_by_then_is_not_waited_for() -> None:
    pool, _ = talking()
    pool.phone_seen(CAO, reachable=False, now=19)
    assert pairs(pool.call_waiting(moved(20, CAO), 20)) == [("c1", BEN)]


def test_a_transfer_to_a_business_goes_to_who_is_trained_for_it() -> None:
    pool = matcher(agent(ANNE), agent(BEN), agent(CAO, business=(Business.BILLING,)))
    [offer] = offers(pool.call_waiting(call("c1", 10), 10))
    pool.answered(C1, offer.agent, 12)
    assert pairs(pool.call_waiting(moved(20, business=Business.BILLING), 20)) == [("c1", CAO)]


def test_old_news_of_a_call_does_not_end_its_talk() -> None:
    pool, _ = talking()
    pool.call_waiting(moved(20, BEN), 20)
    pool.answered(C1, BEN, 22)
    assert pool.call_waiting(moved(20, BEN), 23) == [], "told twice"
    assert pool.call_waiting(call("c1", 10), 23) == [], "told when it came first"
    assert pool.seats[BEN].state is AgentState.TALKING
    assert pool.offers[C1].agent == BEN


def test_another_sites_agent_is_expected_for_longer_than_usual() -> None:
    everybody = {one.id: one for one in (agent(ANNE), agent("a2001", site=XIAMEN))}
    pool = matcher(*everybody.values(), own=(FUZHOU,))
    pool.answered(C1, ANNE, 12)
    seat = matcher(agent("a2001", site=XIAMEN)).seats
    pool.peer_view(XIAMEN, seat, (), 13)
    pool.phone_seen(BEN, reachable=True, now=13)
    pool.call_waiting(moved(20, "a2001"), 20)
    assert pool.next_deadline(20) == 22


# Consultations -----------------------------------------------------------------------------------------------


def consulting() -> tuple[Matcher, int]:
    """Let Anne consult Ben, who answers at 22."""
    pool, _ = talking()
    assert steps(pool.transfer(C1, ANNE, Step.CONSULT, TO_BEN, 20)) == [("consult", BEN)]
    assert pool.seats[BEN].state is AgentState.OFFERED
    pool.rung(C1, BEN, 21)
    pool.answered(C1, BEN, 22)
    assert [pool.seats[one].state for one in (ANNE, BEN)] == [AgentState.TALKING] * 2
    return pool, pool.offers[C1].second_fence


def test_who_is_consulted_gets_no_other_call() -> None:
    pool, _ = talking()
    pool.transfer(C1, ANNE, Step.CONSULT, TO_BEN, 20)
    assert pairs(pool.call_waiting(call("c2", 21), 21)) == [("c2", CAO)]
    assert pairs(pool.call_waiting(call("c3", 21), 21)) == []


def test_an_agent_who_is_not_ready_is_not_consulted() -> None:
    pool, _ = talking()
    pool.phone_seen(BEN, reachable=False, now=19)
    offer = pool.offers[C1]
    assert pool.transfer(C1, ANNE, Step.CONSULT, TO_BEN, 20) == [RefuseConsult(offer.call, ANNE, BEN, "offline")]
    assert not pool.offers[C1].second


def test_a_consultation_is_led_on_by_its_own_agent_alone() -> None:
    pool, _ = talking()
    assert pool.transfer(C1, ANNE, Step.COMPLETE, Onward(), 20) == [], "nobody is consulted"
    pool, _ = consulting()
    assert pool.transfer(C1, BEN, Step.COMPLETE, Onward(), 23) == []
    assert pool.transfer(C1, ANNE, Step.BLIND, Onward(CAO), 23) == [], "first he goes back"
    assert steps(pool.transfer(C1, ANNE, Step.CONSULT, Onward(CAO), 23)) == []
    for step in (Step.COMPLETE, Step.JOIN, Step.BACK):
        assert steps(pool.transfer(C1, ANNE, step, Onward(), 23)) == [(step, BEN)]


def test_when_the_first_leaves_the_second_has_the_caller() -> None:
    pool, fence = consulting()
    effects = pool.agent_free(ANNE, 30, C1, 29.9)
    assert [(one.agent, one.at) for one in effects if isinstance(one, NextLeg)] == [(BEN, 29.9)]
    assert pool.seats[ANNE].state is AgentState.WRAP_UP
    offer = pool.offers[C1]
    assert (offer.agent, offer.fence, offer.second, offer.talks) == (BEN, fence, "", True)
    pool.agent_free(BEN, 40, C1)
    assert pool.seats[BEN].state is AgentState.WRAP_UP
    assert C1 not in pool.offers


def test_when_the_second_leaves_the_first_still_has_the_caller() -> None:
    pool, _ = consulting()
    assert not [one for one in pool.agent_free(BEN, 30, C1) if isinstance(one, NextLeg)]
    assert (pool.seats[ANNE].state, pool.seats[BEN].state) == (AgentState.TALKING, AgentState.WRAP_UP)
    assert (pool.offers[C1].agent, pool.offers[C1].second) == (ANNE, "")
    assert steps(pool.transfer(C1, ANNE, Step.CONSULT, Onward(CAO), 31)) == [("consult", CAO)]


def test_when_the_caller_leaves_both_legs_end_and_both_are_free() -> None:
    pool, _ = consulting()
    effects = pool.call_gone(C1, 30)
    assert [one.agent for one in effects if isinstance(one, EndLeg)] == [ANNE, BEN], "or they would talk on"
    assert [pool.seats[one].state for one in (ANNE, BEN)] == [AgentState.WRAP_UP] * 2
    pool.tick(51)
    assert [pool.seats[one].state for one in (ANNE, BEN)] == [AgentState.READY] * 2


def test_who_does_not_answer_a_consultation_pauses_and_the_talk_goes_on() -> None:
    pool, _ = talking()
    pool.transfer(C1, ANNE, Step.CONSULT, TO_BEN, 20)
    pool.tick(35)
    assert (pool.seats[BEN].state, pool.seats[BEN].reason) == (AgentState.NOT_READY, "no_answer")
    assert (pool.seats[ANNE].state, pool.offers[C1].second) == (AgentState.TALKING, "")


def test_who_declines_a_consultation_pauses_as_after_any_offer() -> None:
    pool, _ = talking()
    pool.transfer(C1, ANNE, Step.CONSULT, TO_BEN, 20)
    pool.rung(C1, BEN, 21)
    pool.agent_free(BEN, 23, C1)
    assert (pool.seats[BEN].state, pool.seats[BEN].reason) == (AgentState.NOT_READY, "no_answer")


def test_who_is_called_back_from_while_he_rings_is_ready_again() -> None:
    pool, _ = talking()
    pool.transfer(C1, ANNE, Step.CONSULT, TO_BEN, 20)
    pool.rung(C1, BEN, 21)
    pool.transfer(C1, ANNE, Step.BACK, Onward(), 22)
    pool.agent_free(BEN, 23, C1)
    assert pool.seats[BEN].state is AgentState.READY
    pool.tick(35)
    assert pool.seats[BEN].state is AgentState.READY, "the time of what is over does not count"


def test_a_matcher_that_takes_over_knows_who_is_consulted() -> None:
    pool, _ = talking()
    pool.transfer(C1, ANNE, Step.CONSULT, TO_BEN, 20)
    heir = Matcher(pool.agents, pool.rules, pool.ladders, pool.own, next_fence=1000)
    heir.restore((), pool.seats, pool.offers.values())
    heir.tick(35)
    assert (heir.seats[BEN].reason, heir.offers[C1].second) == ("no_answer", "")


@pytest.mark.parametrize(("gone", "stays"), [(ANNE, BEN), (BEN, ANNE)])
def test_an_end_that_nobody_told_is_made_good_by_what_the_node_shows(gone: AgentId, stays: AgentId) -> None:
    pool, _ = consulting()
    pool.phone_idle(gone, 30, 29.9)
    assert (pool.offers[C1].agent, pool.offers[C1].second) == (stays, "")
    assert [pool.seats[one].state for one in (gone, stays)] == [AgentState.WRAP_UP, AgentState.TALKING]


def test_a_caller_who_is_moved_in_the_middle_of_a_consultation_leaves_both() -> None:
    pool, _ = consulting()
    pool.call_waiting(moved(25, CAO), 25)
    assert [pool.seats[one].state for one in (ANNE, BEN)] == [AgentState.WRAP_UP] * 2
    assert pool.offers[C1].agent == CAO


# Three talk --------------------------------------------------------------------------------------------------


def three() -> Matcher:
    """Let Anne, Ben and the caller talk from 24 on."""
    pool, _ = consulting()
    assert steps(pool.transfer(C1, ANNE, Step.JOIN, Onward(), 23)) == [("join", BEN)]
    assert parts(pool.transferred(C1, "threeway", 24.5, 24)) == [(JoinLeg, BEN, 24)]
    return pool


def parts(effects: Sequence[Effect]) -> list[tuple[type[Effect], str, float]]:
    return [(type(one), one.agent, one.at) for one in effects if isinstance(one, JoinLeg | AloneLeg | NextLeg)]


def test_of_three_who_talk_the_first_leaves_and_the_second_has_the_caller() -> None:
    pool = three()
    assert parts(pool.agent_free(ANNE, 30, C1, 29)) == [(NextLeg, BEN, 29)]
    assert (pool.offers[C1].agent, pool.offers[C1].second, pool.offers[C1].joined) == (BEN, "", False)
    assert parts(pool.agent_free(BEN, 40, C1, 39)) == []


def test_of_three_who_talk_the_second_leaves_and_the_first_has_the_caller_alone() -> None:
    pool = three()
    assert parts(pool.agent_free(BEN, 30, C1, 29)) == [(AloneLeg, ANNE, 29)]
    assert (pool.offers[C1].agent, pool.offers[C1].second, pool.offers[C1].joined) == (ANNE, "", False)


@pytest.mark.parametrize(("step", "leaves"), [(Step.COMPLETE, [ANNE]), (Step.BACK, [BEN]), (Step.JOIN, [])])
def test_once_three_talk_a_step_ends_a_leg_since_asterisk_takes_no_more_keys(
    step: Step, leaves: list[AgentId]
) -> None:
    effects = three().transfer(C1, ANNE, step, Onward(), 25)
    assert [one.agent for one in effects if isinstance(one, EndLeg)] == leaves
    assert steps(effects) == []


def test_who_is_joined_while_his_phone_rings_has_his_part_from_his_answer_on() -> None:
    pool, _ = talking()
    pool.transfer(C1, ANNE, Step.CONSULT, TO_BEN, 20)
    assert parts(pool.transferred(C1, "threeway", 21)) == []
    assert parts(pool.answered(C1, BEN, 22)) == [(JoinLeg, BEN, 22)]


def test_a_transfer_by_nobody_of_ours_is_no_consultation() -> None:
    pool, _ = talking()
    assert pool.transferred(C1, "threeway", 21) == []
    assert pool.transferred(C1, "attended", 21) == []
    pool, _ = consulting()
    assert pool.transferred(C1, "blind", 23) == []


# Handed over to a phone that rings --------------------------------------------------------------------------


def handed_over() -> tuple[Matcher, int]:
    """Let Anne leave at 23 while Ben's phone still rings."""
    pool, _ = talking()
    pool.transfer(C1, ANNE, Step.CONSULT, TO_BEN, 20)
    pool.rung(C1, BEN, 21)
    fence = pool.offers[C1].second_fence
    effects = pool.transferred(C1, "attended", 23)
    assert [(one.agent, one.at) for one in effects if isinstance(one, NextLeg)] == [("", 23)], "for now nobody"
    assert [pool.seats[one].state for one in (ANNE, BEN)] == [AgentState.TALKING, AgentState.OFFERED]
    pool.agent_free(ANNE, 24, C1)
    assert [pool.seats[one].state for one in (ANNE, BEN)] == [AgentState.WRAP_UP, AgentState.OFFERED]
    return pool, fence


def test_a_caller_handed_over_to_a_ringing_phone_has_that_agent_once_he_answers() -> None:
    pool, fence = handed_over()
    effects = pool.answered(C1, BEN, 25)
    assert [(one.agent, one.at) for one in effects if isinstance(one, NextLeg)] == [(BEN, 25)]
    offer = pool.offers[C1]
    assert (offer.agent, offer.fence, offer.talks, offer.answered_at) == (BEN, fence, True, 25)
    assert not [one for one in pool.answered(C1, BEN, 26) if isinstance(one, NextLeg)], "told twice"
    pool.agent_free(BEN, 40, C1)
    assert (pool.seats[BEN].state, dict(pool.offers)) == (AgentState.WRAP_UP, {})


@pytest.mark.parametrize("leg_first", [True, False])
def test_a_caller_whom_nobody_took_on_is_first_in_the_pool_and_who_did_not_answer_pauses(leg_first: bool) -> None:
    pool, _ = handed_over()
    pool.call_waiting(call("c2", 24, dialect="min_nan"), 24)
    if leg_first:
        pool.agent_free(BEN, 43, C1)
    effects = pool.call_waiting(moved(43), 43.1)
    assert pairs(effects) == [("c1", CAO)]
    assert decision(effects).wait_s == pytest.approx(33.1), "since he first came"
    assert (pool.seats[BEN].state, pool.seats[BEN].reason) == (AgentState.NOT_READY, "no_answer")


def test_a_caller_who_leaves_while_the_next_phone_rings_costs_its_agent_nothing() -> None:
    pool, _ = handed_over()
    pool.call_gone(C1, 24)
    assert (pool.seats[BEN].state, dict(pool.offers)) == (AgentState.READY, {})


def test_a_take_over_knows_the_phone_that_rings_for_a_caller_handed_over() -> None:
    pool, _ = handed_over()
    heir = Matcher(pool.agents, pool.rules, pool.ladders, pool.own, next_fence=1000)
    heir.restore((), pool.seats, pool.offers.values())
    heir.tick(60)
    assert heir.seats[BEN].reason == "no_answer"
    assert pairs(heir.call_waiting(moved(61), 61)) == [("c1", CAO)]
