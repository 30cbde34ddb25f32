"""An agent's seat: what state follows from what is known, in whatever order it comes to be known."""

from dataclasses import replace

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.seat_facts import (
    Answered,
    CallOver,
    Fact,
    LegGone,
    Offered,
    OfferOver,
    OwnCall,
    PhoneAt,
    PhoneIdle,
    Rung,
)
from routing.seats import EMPTY, Seat, SeatRules, after
from routing.wishes import Asked, Reason, Wish
from tieline.model import AgentState, CallId, NodeId

pytestmark = pytest.mark.unit

RULES = SeatRules(wrap_up_s=20, pause_s=30)
LOG_IN = replace(RULES, log_in=True)
NODE, OTHER_NODE = NodeId("fuzhou-1"), NodeId("fuzhou-2")
C1, C2 = CallId("c1"), CallId("c2")
PHONE = PhoneAt(NODE, reachable=True, at=1)
NO_PHONE = PhoneAt(NODE, reachable=False, at=50)
LOGIN = Asked(2, Wish.LOGIN, "s1")
READY = Asked(3, Wish.READY, "s1")
TALK = (Offered(C1, 7), Rung(C1, 10), Answered(C1, 12))
ENDED = (LegGone(C1, 40), OfferOver(C1, 7))


def seat(*facts: Fact, now: float = 0.0, rules: SeatRules = RULES) -> Seat:
    made = EMPTY
    for fact in facts:
        made = after(made, now, rules, fact)
    return made


def state(*facts: Fact, now: float, rules: SeatRules = RULES) -> tuple[AgentState, str, float]:
    made = seat(*facts, now=now, rules=rules)
    return made.state, made.reason, made.until


# --- the phone and the log-in --------------------------------------------------------------------------------


def test_without_log_in_control_a_registered_phone_is_a_ready_agent() -> None:
    assert state(now=5) == (AgentState.OFFLINE, "", 0)
    assert state(PHONE, now=5) == (AgentState.READY, "", 0)
    assert state(PHONE, NO_PHONE, now=60) == (AgentState.OFFLINE, Reason.PHONE_GONE, 0)


def test_with_log_in_control_a_phone_is_not_enough() -> None:
    assert state(PHONE, now=5, rules=LOG_IN) == (AgentState.OFFLINE, "", 0)
    assert state(PHONE, LOGIN, now=5, rules=LOG_IN) == (AgentState.NOT_READY, Reason.LOGIN, 0)
    assert state(PHONE, LOGIN, READY, now=5, rules=LOG_IN) == (AgentState.READY, "", 0)


def test_a_log_in_without_a_phone_gets_no_call_until_there_is_one() -> None:
    assert state(LOGIN, READY, now=5) == (AgentState.NOT_READY, Reason.PHONE_GONE, 0)
    later = seat(LOGIN, READY, PhoneAt(NODE, reachable=True, at=9), now=9)
    assert (later.state, later.idle_since) == (AgentState.READY, 9)


def test_a_phone_at_two_nodes_is_gone_when_neither_reaches_it_and_presence_names_one() -> None:
    both = seat(PHONE, PhoneAt(OTHER_NODE, reachable=True, at=2), now=3)
    assert both.node == OTHER_NODE
    one = after(both, 4, RULES, PhoneAt(OTHER_NODE, reachable=False, at=4))
    assert (one.state, one.node) == (AgentState.READY, NODE)
    none = after(one, 5, RULES, PhoneAt(NODE, reachable=False, at=5))
    assert (none.state, none.node) == (AgentState.OFFLINE, "")


def test_a_log_out_is_no_call_and_a_log_in_after_it_is_not_ready_yet() -> None:
    out = (PHONE, LOGIN, READY, Asked(4, Wish.LOGOUT, "s1"))
    assert state(*out, now=5) == (AgentState.OFFLINE, "", 0)
    assert state(*out, Asked(5, Wish.READY), now=6) == (AgentState.OFFLINE, "", 0)
    assert state(*out, Asked(5, Wish.LOGIN, "s2"), now=6) == (AgentState.NOT_READY, Reason.LOGIN, 0)


def test_the_newest_of_two_desks_counts_and_the_older_one_can_do_nothing() -> None:
    two = seat(PHONE, LOGIN, READY, Asked(4, Wish.LOGIN, "s2"), now=4)
    assert (two.state, two.session) == (AgentState.READY, "s2")
    for wish in (Wish.LOGOUT, Wish.NOT_READY):
        assert after(two, 5, RULES, Asked(5, wish, "s1", Reason.MEAL)).shown == two.shown


def test_a_reload_of_the_desk_clears_neither_break_nor_wrap_up_nor_pause() -> None:
    again = Asked(41, Wish.LOGIN, "s2")
    assert state(PHONE, LOGIN, READY, *TALK, *ENDED, again, now=45) == (AgentState.WRAP_UP, "", 60)
    meal = Asked(4, Wish.NOT_READY, "s1", Reason.MEAL)
    assert state(PHONE, LOGIN, READY, meal, again, now=45)[1] == Reason.MEAL
    missed = (Offered(C1, 7), OfferOver(C1, 7, missed_at=40))
    assert state(PHONE, LOGIN, READY, *missed, again, now=45) == (AgentState.NOT_READY, Reason.NO_ANSWER, 70)


# --- wishes --------------------------------------------------------------------------------------------------


def test_a_break_with_an_end_ends_by_itself() -> None:
    away = (PHONE, Asked(5, Wish.NOT_READY, "", Reason.SHORT_BREAK, 30))
    assert state(*away, now=29) == (AgentState.NOT_READY, Reason.SHORT_BREAK, 30)
    back = seat(*away, now=30)
    assert (back.state, back.idle_since) == (AgentState.READY, 30)


def test_a_wish_during_a_talk_waits_for_the_end_of_the_wrap_up() -> None:
    for wish, expected in ((Wish.NOT_READY, AgentState.NOT_READY), (Wish.LOGOUT, AgentState.OFFLINE)):
        asked = (PHONE, LOGIN, READY, *TALK, Asked(20, wish, "s1", Reason.MEAL))
        assert state(*asked, now=30) == (AgentState.TALKING, C1, 0)
        assert state(*asked, *ENDED, now=59) == (AgentState.WRAP_UP, "", 60)
        assert state(*asked, *ENDED, now=60)[0] is expected


def test_ready_said_in_the_wrap_up_ends_it_and_ready_said_in_the_talk_does_not() -> None:
    assert state(PHONE, *TALK, *ENDED, Asked(45, Wish.READY), now=46) == (AgentState.READY, "", 0)
    assert seat(PHONE, *TALK, *ENDED, Asked(45, Wish.READY), now=46).idle_since == 45
    assert state(PHONE, *TALK, Asked(20, Wish.READY), *ENDED, now=46)[0] is AgentState.WRAP_UP


def test_what_a_supervisor_put_the_agent_cannot_end() -> None:
    put = (PHONE, LOGIN, READY, Asked(5, Wish.NOT_READY, "", Reason.SUPERVISOR))
    assert state(*put, Asked(6, Wish.READY, "s1"), now=7)[1] == Reason.SUPERVISOR
    assert state(*put, Asked(6, Wish.NOT_READY, "s1", Reason.MEAL), now=7)[1] == Reason.SUPERVISOR
    assert state(*put, Asked(6, Wish.READY), now=7)[0] is AgentState.READY


def test_ready_said_again_does_not_cost_the_place_of_the_longest_idle() -> None:
    once = seat(PHONE, Asked(4, Wish.NOT_READY, "", Reason.MEAL), Asked(6, Wish.READY), now=7)
    assert once.idle_since == 6
    assert after(once, 21, RULES, Asked(20, Wish.READY)).idle_since == 6


def test_more_wishes_than_are_kept_leave_what_stands() -> None:
    many = [Asked(10 + n, Wish.NOT_READY if n % 2 else Wish.READY, "s1", Reason.MEAL) for n in range(30)]
    assert state(PHONE, LOGIN, *many, now=50) == (AgentState.NOT_READY, Reason.MEAL, 0)
    assert state(PHONE, LOGIN, *many, many[0], Asked(1.5, Wish.LOGOUT), now=50)[0] is AgentState.NOT_READY


def test_a_wish_that_is_told_again_and_again_leaves_room_for_a_late_one() -> None:
    meal, late = Asked(30, Wish.NOT_READY, "s2", Reason.MEAL), Asked(20, Wish.LOGIN, "s2")
    assert state(PHONE, LOGIN, READY, *[meal] * 9, late, now=40) == (AgentState.NOT_READY, Reason.MEAL, 0)


# --- calls ---------------------------------------------------------------------------------------------------


def test_an_offer_that_comes_to_nothing_leaves_the_place_of_the_longest_idle() -> None:
    made = seat(PHONE, Offered(C1, 7), now=10)
    assert (made.state, made.reason) == (AgentState.OFFERED, C1)
    back = after(made, 15, RULES, OfferOver(C1, 7))
    assert (back.state, back.idle_since) == (AgentState.READY, 1)


def test_no_answer_is_a_pause_with_an_end_unless_he_says_ready() -> None:
    missed = (PHONE, Offered(C1, 7), Rung(C1, 10), LegGone(C1, 22), OfferOver(C1, 7, missed_at=22))
    assert state(*missed, now=51) == (AgentState.NOT_READY, Reason.NO_ANSWER, 52)
    assert seat(*missed, now=52).idle_since == 52
    assert seat(*missed, Asked(30, Wish.READY), now=31).idle_since == 30


def test_a_ring_that_is_told_after_it_came_to_nothing_does_not_ring() -> None:
    missed = (PHONE, Offered(C1, 7), OfferOver(C1, 7, missed_at=10.5))
    assert state(*missed, Rung(C1, 10), now=11) == (AgentState.NOT_READY, Reason.NO_ANSWER, 40.5)
    assert state(*missed, Rung(C2, 15), now=16) == (AgentState.OFFERED, C2, 0)


def test_a_phone_that_rings_for_somebody_else_is_not_free() -> None:
    assert state(PHONE, Rung(C1, 10), now=11) == (AgentState.OFFERED, C1, 0)
    assert state(PHONE, Rung(C1, 10), LegGone(C1, 12), now=13) == (AgentState.READY, "", 0)


def test_a_phone_that_vanishes_in_a_talk_takes_effect_after_it() -> None:
    vanished = (PHONE, LOGIN, READY, *TALK, PhoneAt(NODE, reachable=False, at=20))
    assert state(*vanished, now=30) == (AgentState.TALKING, C1, 0)
    assert state(*vanished, *ENDED, now=45) == (AgentState.WRAP_UP, "", 60)
    assert state(*vanished, *ENDED, now=60) == (AgentState.NOT_READY, Reason.PHONE_GONE, 0)


def test_an_agent_who_dials_himself_gets_no_call() -> None:
    own = (PHONE, OwnCall(busy=True, at=10))
    assert state(*own, now=20) == (AgentState.NOT_READY, Reason.OWN_CALL, 0)
    assert seat(*own, OwnCall(busy=False, at=30), now=31).idle_since == 30
    assert state(*own, PhoneIdle(40), now=41)[0] is AgentState.READY


def test_an_end_that_nobody_told_follows_from_the_call_from_a_list_or_from_the_next_talk() -> None:
    assert state(PHONE, *TALK, OfferOver(C1, 7), CallOver(C1, 41), now=45) == (AgentState.WRAP_UP, "", 61)
    assert state(PHONE, *TALK, OfferOver(C1, 7), PhoneIdle(42), PhoneIdle(44), now=45) == (AgentState.WRAP_UP, "", 62)
    assert state(PHONE, *TALK, PhoneIdle(11), now=45)[0] is AgentState.TALKING, "asked before he answered"
    next_talk = (Offered(C2, 8), Answered(C2, 50), OfferOver(C2, 8), LegGone(C2, 60))
    assert state(PHONE, *TALK, *next_talk, now=61) == (AgentState.WRAP_UP, "", 80)


def test_the_end_of_another_call_does_not_end_the_talk() -> None:
    assert state(PHONE, *TALK, Rung(C2, 20), LegGone(C2, 25), CallOver(C2, 25), now=30)[1] == C1


def test_a_call_may_ring_him_again() -> None:
    missed = (PHONE, Rung(C1, 10), LegGone(C1, 20), Rung(C1, 30))
    assert state(*missed, now=31)[0] is AgentState.OFFERED
    assert state(*missed, Answered(C1, 33), now=34)[0] is AgentState.TALKING


def test_another_setting_does_not_move_a_deadline_and_neither_does_the_way_through_redis() -> None:
    ended = seat(PHONE, LOGIN, READY, *TALK, *ENDED, now=41)
    kept = msgspec.json.decode(msgspec.json.encode(ended), type=Seat)
    assert kept == ended
    assert after(kept, 59, replace(RULES, wrap_up_s=5)).until == 60


def test_a_leg_is_forgotten_after_a_while_and_its_wrap_up_is_not() -> None:
    rules = replace(RULES, wrap_up_s=900)
    ended = seat(PHONE, *TALK, *ENDED, now=41, rules=rules)
    later = after(ended, 300, rules, Rung(C2, 300))
    assert [leg.call_id for leg in later.legs.kept] == [C2]
    assert after(later, 310, rules, LegGone(C2, 310)).until == 940


# --- any order -----------------------------------------------------------------------------------------------

DAY: tuple[Fact, ...] = (
    PHONE, LOGIN, READY,
    PhoneAt(OTHER_NODE, reachable=True, at=4),
    Offered(C1, 7), Rung(C1, 10), Answered(C1, 12), Asked(15, Wish.NOT_READY, "s1", Reason.MEAL, 70),
    PhoneAt(NODE, reachable=False, at=20), PhoneAt(NODE, reachable=True, at=22),
    Asked(25, Wish.LOGIN, "s2"), Asked(26, Wish.LOGOUT, "s1"),
    LegGone(C1, 30), CallOver(C1, 30.01), OfferOver(C1, 7),
    OwnCall(busy=True, at=31), OwnCall(busy=False, at=33),
    Asked(34, Wish.READY, "s2"), Offered(C2, 8), Rung(C2, 35), LegGone(C2, 38), OfferOver(C2, 8, missed_at=38.1),
    PhoneAt(OTHER_NODE, reachable=False, at=39),
)  # fmt: skip


@given(order=st.permutations(DAY), twice=st.lists(st.sampled_from(DAY), max_size=5), until=st.integers(40, 75))
def test_facts_in_any_order_and_twice_lead_to_the_same_seat(order: list[Fact], twice: list[Fact], until: int) -> None:
    told = after(seat(*DAY, now=40), until, RULES)
    heard = after(seat(*order, *twice, now=40), until, RULES)
    assert heard.shown == told.shown
    assert (heard.idle_since, heard.legs.worked.over_at) == (told.idle_since, told.legs.worked.over_at)


@given(order=st.permutations(DAY), missing=st.sampled_from(["Rung", "LegGone", "CallOver", "PhoneAt"]))
def test_facts_that_are_missing_are_made_good_by_a_list(order: list[Fact], missing: str) -> None:
    lists = (PhoneIdle(39.5), PhoneAt(NODE, reachable=True, at=39.5), PhoneAt(OTHER_NODE, reachable=False, at=39.5))
    heard = [fact for fact in order if type(fact).__name__ != missing]
    told = seat(*DAY, *lists, now=40)
    assert seat(*heard, *lists, now=40).state is told.state
    assert after(seat(*heard, *lists, now=40), 100, RULES).state is AgentState.READY
