"""Callers who go on with another agent after a consultation, or talk with two of them."""

from collections.abc import Sequence

import pytest

from routing.matcher import Matcher
from routing.offers import (
    AloneLeg,
    Effect,
    EndLeg,
    JoinLeg,
    NextLeg,
    Onward,
    RefuseConsult,
    Step,
)
from tests.unit.routing.people import call, decision, pairs
from tests.unit.routing.talks import ANNE, BEN, C1, CAO, TO_BEN, moved, steps, talking
from tieline.model import AgentId, AgentState

pytestmark = pytest.mark.unit


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
