"""Speakers in reserve: whom they are kept from, and when they are given away all the same."""

from bisect import bisect_left
from math import log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.decision import Lost
from routing.matcher import Matcher
from tests.unit.routing.people import LADDERS, RULES, agent, ask_for, call, decision, matcher, pairs, with_numbers
from tieline.model import AgentId, CallId, Lane

pytestmark = pytest.mark.unit

NUMBERS = LADDERS.numbers
PUXIAN = call("any", 0, "puxian").need.dialect


def keeping_one(talking: int, waiting: int = 0, **numbers: float) -> Matcher:
    """One idle speaker, kept for his own; agents who talk, and calls that nobody may have, waiting since 90."""
    people = [agent(f"b{number}") for number in range(talking)]
    pool = matcher(agent("a1", "puxian"), *people, ladders=with_numbers(reserve=3, talk_s=180, **numbers))
    ask_for(pool, "puxian", 90)
    for person in people:
        pool.answered(CallId(f"t-{person.id}"), person.id, 95)
    for number in range(waiting):
        pool.call_waiting(call(f"d{number:02}", 90, "hakka"), 98)
    return pool


def test_idle_speakers_are_kept_for_their_own_until_somebody_has_waited_long_enough() -> None:
    pool = keeping_one(talking=100, give_way_from_s=NUMBERS.give_way_s)
    assert pairs(pool.call_waiting(call("c1", 100), 100)) == []
    assert pairs(pool.call_waiting(call("c2", 101, "puxian"), 101)) == [("c2", "a1")]
    pool.call_gone(CallId("c2"), 102)
    assert pairs(pool.tick(100 + NUMBERS.give_way_s - 0.1)) == []
    assert pairs(pool.tick(100 + NUMBERS.give_way_s)) == [("c1", "a1")]


def test_they_are_given_away_earlier_when_nobody_else_is_likely_to_come_free_in_time() -> None:
    pool = keeping_one(talking=5)
    assert pairs(pool.call_waiting(call("c1", 100), 100)) == []
    assert pairs(pool.tick(100 + NUMBERS.give_way_from_s - 0.1)) == []
    assert pairs(pool.tick(100 + NUMBERS.give_way_from_s)) == [("c1", "a1")]


def test_the_less_time_is_left_the_more_must_talk_for_somebody_to_come_in_time() -> None:
    pool = keeping_one(talking=30)
    assert pairs(pool.call_waiting(call("c1", 100), 100)) == []
    last_s = NUMBERS.give_way_s - 180 / 30
    assert pairs(pool.tick(100 + last_s - 0.1)) == []
    assert pairs(pool.tick(100 + last_s + NUMBERS.give_way_look_s)) == [("c1", "a1")]


def test_who_came_before_gets_whoever_comes_free_first() -> None:
    for before, expected in ((0, []), (1, [("c1", "a1")])):
        pool = keeping_one(talking=25, waiting=before)
        pool.call_waiting(call("c1", 100), 100)
        assert pairs(pool.tick(100 + NUMBERS.give_way_from_s)) == expected


@pytest.mark.parametrize(("later_s", "lost"), [(-1, Lost.RESERVED), (1, Lost.IN_TIME)])
def test_who_is_passed_over_by_a_speaker_in_reserve_is_told_why(later_s: float, lost: Lost) -> None:
    pool = keeping_one(talking=100)
    pool.answered(CallId("t"), AgentId("a1"), 50)
    pool.call_waiting(call("c1", 100), 100)
    pool.call_waiting(call("c2", 101, "puxian"), 101)
    now = 100 + NUMBERS.give_way_from_s + later_s
    pool.agent_free(AgentId("a1"), now - RULES.wrap_up_s, CallId("t"))
    effects = pool.tick(now)
    assert pairs(effects) == [("c2", "a1")]
    assert [(other.call_id, other.lost) for other in decision(effects).other_calls] == [("c1", lost)]


@given(st.integers(0, 60), st.lists(st.floats(0, 50), max_size=30), st.floats(0, 50), st.floats(0, 30))
def test_somebody_comes_in_time_when_more_come_free_than_came_before(
    talking: int, since: list[float], own: float, within_s: float
) -> None:
    pool = keeping_one(talking)
    pool.answered(CallId("t"), AgentId("a1"), 50)
    for number, at in enumerate((*since, own)):
        pool.call_waiting(call(f"d{number}", at, ("hakka", "min_dong", "puxian")[number % 3]), 50)
    before = bisect_left(sorted(since), own - 0.001)
    expected = before + 1 <= within_s * (talking + 1) / 180
    assert pool._exchange.pool.is_soon_served(own, within_s) is expected


@pytest.mark.parametrize("lane", [Lane.LIFE_SAFETY, Lane.IMPORTANT])
def test_nobody_is_kept_from_who_goes_before_the_others_by_his_lane(lane: Lane) -> None:
    pool = keeping_one(talking=100)
    assert pairs(pool.call_waiting(call("c1", 100), 100)) == []
    effects = pool.call_waiting(call("c2", 105, lane=lane), 105)
    assert pairs(effects) == [("c2", "a1")], "not later, and to c1"


def test_a_speaker_is_given_away_when_another_one_is_free_soon() -> None:
    for wraps_up, expected in ((False, []), (True, [("c1", "a1")])):
        pool = matcher(
            agent("a1", "puxian"), agent("a2", "puxian"), ladders=with_numbers(reserve=1.5, reserve_power=0)
        )
        ask_for(pool, "puxian", 100)
        pool.answered(CallId("t"), AgentId("a2"), 100)
        if wraps_up:
            pool.agent_free(AgentId("a2"), 101)
        at = 101 + RULES.wrap_up_s - NUMBERS.soon_s
        assert pairs(pool.call_waiting(call("c1", at), at)) == expected


def test_the_reserve_grows_with_how_much_the_dialect_is_asked_for() -> None:
    def reserve(calls: int) -> float:
        return reserve_after(3600, calls)

    assert reserve(900) > 2 * reserve(90) > 0


def reserve_after(quiet_s: float, calls: int) -> float:
    """Give the reserve when nobody has asked for so long after some calls."""
    pool = matcher(ladders=with_numbers(reserve=1, reserve_power=0.5))
    ask_for(pool, "puxian", 1000, calls)
    return pool._exchange.pool.reserve(PUXIAN, 1000 + quiet_s)


def test_nobody_is_kept_for_a_dialect_that_nobody_asks_for() -> None:
    def reserve(load: float) -> float:
        once = NUMBERS.talk_s / NUMBERS.load_s
        return reserve_after(NUMBERS.load_s * log(1 + once / load), calls=1)

    least = NUMBERS.least_load
    assert reserve_after(3600, calls=0) == 0
    assert reserve(2 * least) == pytest.approx((2 * least) ** 0.5)
    for share in (1, 0.5, 0.01):
        assert reserve(share * least) == pytest.approx(share * least**0.5), "and fades without a jump"
