"""Callers who go on with another agent at once."""

import pytest

from routing.decision import Cause
from routing.exchange import MOVING_S
from routing.offers import (
    MoveCall,
    Onward,
    Step,
)
from tests.unit.routing.people import FUZHOU, XIAMEN, agent, call, decision, matcher, offers, pairs, with_numbers
from tests.unit.routing.talks import ANNE, BEN, C1, CAO, TO_BEN, moved, talking
from tieline.model import AgentState, Business, CallId

pytestmark = pytest.mark.unit


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
    pool = matcher(*everybody.values(), own=(FUZHOU,), ladders=with_numbers(give_way_s=0, give_way_from_s=0))
    pool.answered(C1, ANNE, 12)
    seat = matcher(agent("a2001", site=XIAMEN)).seats
    pool.peer_view(XIAMEN, seat, (), 13)
    pool.phone_seen(BEN, reachable=True, now=13)
    pool.call_waiting(moved(20, "a2001"), 20)
    assert pool.next_deadline(20) == 22
