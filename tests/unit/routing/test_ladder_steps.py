"""What a call's ladder lets through, and when: steps that open, and that are put off while a speaker is near."""

import pytest

from routing.agents import Agent
from routing.decision import Cause
from routing.matcher import Matcher
from tests.unit.routing.people import (
    LADDERS,
    RULES,
    agent,
    call,
    decision,
    matcher,
    pairs,
    with_numbers,
)
from tieline.model import AgentId, Business, CallId, Lane

pytestmark = pytest.mark.unit

STEPS = LADDERS.of(Business.REPAIR, call("c", 0, "puxian").need.dialect).steps
BASIC_S, MANDARIN_S = STEPS[1].after_s, STEPS[2].after_s
NUMBERS = LADDERS.numbers


def test_each_step_opens_at_its_time_and_the_decision_names_it() -> None:
    pool = matcher(agent("a1", basic=("puxian",)), agent("a2"))
    pool.call_waiting(call("c1", 100, "puxian"), 100)
    assert pairs(pool.tick(100 + BASIC_S - 0.1)) == []
    effects = pool.tick(100 + BASIC_S)
    assert pairs(effects) == [("c1", "a1")]
    why = decision(effects)
    assert (why.cause, why.step, why.open_s, why.accept, why.wait_s) == (Cause.STEP, 1, BASIC_S, "basic", BASIC_S)
    pool.answered(CallId("c1"), AgentId("a1"), 120)
    pool.call_waiting(call("c2", 200, "puxian"), 200)
    assert pairs(pool.tick(200 + MANDARIN_S)) == [("c2", "a2")]


def test_a_step_opens_in_its_moment_whatever_the_difference_of_two_times_says() -> None:
    gan = call("c1", 1021.1, "gan")
    since, opens_s = gan.since, LADDERS.of(Business.REPAIR, gan.need.dialect).steps[-1].after_s
    assert (since + opens_s) - since < opens_s
    pool = matcher(agent("a1"))
    pool.call_waiting(gan, since)
    assert pairs(pool.tick(since + opens_s)) == [("c1", "a1")]
    pool = matcher(agent("a1"))
    pool.phone_seen(AgentId("a1"), reachable=False, now=since)
    pool.call_waiting(gan, since)
    pool.tick(since + opens_s)
    assert pairs(pool.phone_seen(AgentId("a1"), reachable=True, now=since + opens_s)) == [("c1", "a1")]


def test_mandarin_is_put_off_while_a_speaker_is_near_but_not_for_ever() -> None:
    speakers = [agent(f"a{number}", "puxian") for number in range(10, 20)]
    pool = matcher(agent("a1"), *speakers)
    for number, speaker in enumerate(speakers):
        pool.answered(CallId(f"t{number}"), speaker.id, 50)
    pool.call_waiting(call("c1", 100, "puxian"), 100)
    for number in range(1, 20):
        at = 100 + MANDARIN_S + number * NUMBERS.look_again_s
        if at >= 100 + MANDARIN_S + STEPS[2].hold_s:
            break
        assert pairs(pool.tick(at)) == []
    assert pairs(pool.tick(100 + MANDARIN_S + STEPS[2].hold_s)) == [("c1", "a1")]


def test_mandarin_is_not_put_off_when_too_many_wait_for_too_few() -> None:
    pool = matcher(agent("a1"), agent("a2", "puxian"))
    pool.answered(CallId("t"), AgentId("a2"), 50)
    pool.call_waiting(call("c1", 100, "puxian"), 100)
    assert pairs(pool.tick(100 + MANDARIN_S)) == [("c1", "a1")]


def test_nobody_waits_for_a_speaker_who_is_not_trained_for_what_he_wants() -> None:
    speakers = [agent(f"a{number}", "puxian", business=(Business.REPAIR,)) for number in range(10, 20)]
    for business, expected in ((Business.REPAIR, []), (Business.COMPLAINT, [("c1", "a1")])):
        pool = matcher(agent("a1", business=(Business.REPAIR, Business.COMPLAINT)), *speakers)
        for speaker in speakers:
            pool.answered(CallId(f"t-{speaker.id}"), speaker.id, 50)
        pool.call_waiting(call("c1", 100, "puxian", business=business), 100)
        assert pairs(pool.tick(100 + MANDARIN_S)) == expected


def all_talking(*speakers: Agent, since: float = 50) -> Matcher:
    """One idle agent without the dialect, and speakers who all talk."""
    pool = matcher(agent("a1"), *speakers)
    for number, speaker in enumerate(speakers):
        pool.answered(CallId(f"t{number}"), speaker.id, since)
    return pool


def test_a_speaker_is_near_who_has_talked_long_and_not_who_has_just_begun() -> None:
    speakers = [agent(f"a{number}", "puxian") for number in range(10, 15)]
    for since, expected in ((199, [("c1", "a1")]), (50, [])):
        pool = all_talking(*speakers, since=since)
        pool.call_waiting(call("c1", 200, "puxian"), 200)
        assert pairs(pool.tick(200 + MANDARIN_S)) == expected


def test_a_speaker_who_wraps_up_is_near_until_his_wrap_up_ends() -> None:
    pool = all_talking(agent("a10", "puxian"))
    pool.call_waiting(call("c1", 100, "puxian"), 100)
    pool.agent_free(AgentId("a10"), 100 + MANDARIN_S - 1)
    assert pairs(pool.tick(100 + MANDARIN_S)) == []
    assert pairs(pool.tick(100 + MANDARIN_S - 1 + RULES.wrap_up_s)) == [("c1", "a10")]


def test_an_idle_speaker_who_is_not_trained_for_what_he_wants_is_nobody_to_wait_for() -> None:
    pool = all_talking(agent("a10", "puxian"), agent("a20", "puxian", business=(Business.BILLING,)))
    pool.agent_free(AgentId("a20"), 160)
    pool.call_waiting(call("c1", 200, "puxian"), 200)
    assert pairs(pool.tick(200 + MANDARIN_S)) == [("c1", "a1")]
    assert "a20" in pool._exchange.pool.idle


def test_a_speaker_is_near_for_who_came_first_and_not_for_who_came_after() -> None:
    """Six speakers who have talked for a minute: one is likely to come free within `near_s`, two are not."""
    pool = all_talking(*(agent(f"a{number}", "puxian") for number in range(10, 16)))
    for name, since in (("c1", 100), ("c2", 101)):
        pool.call_waiting(call(name, since, "puxian"), since)
    assert pairs(pool.tick(101 + MANDARIN_S)) == [("c2", "a1")]


def test_for_who_manages_no_mandarin_a_speaker_further_away_is_near() -> None:
    speakers = [agent(f"a{number}", "puxian") for number in range(10, 13)]
    for only_dialect, expected in ((False, [("c1", "a1")]), (True, [])):
        pool = all_talking(*speakers)
        pool.call_waiting(call("c1", 100, "puxian", only_dialect=only_dialect), 100)
        assert pairs(pool.tick(100 + MANDARIN_S + STEPS[2].only_dialect_s)) == expected


def test_who_manages_no_mandarin_is_held_longer() -> None:
    pool = matcher(agent("a1"))
    pool.call_waiting(call("c1", 100, "puxian", only_dialect=True), 100)
    assert pairs(pool.tick(100 + MANDARIN_S)) == []
    assert pairs(pool.tick(100 + MANDARIN_S + STEPS[2].only_dialect_s)) == [("c1", "a1")]


def test_where_a_life_is_at_stake_everybody_is_open_at_once_and_a_speaker_still_goes_first() -> None:
    pool = matcher(agent("a1"), agent("a2", "puxian"), ladders=with_numbers(reserve=5))
    calls = [call(name, 1, "puxian", lane=Lane.LIFE_SAFETY) for name in ("c1", "c2")]
    assert [pairs(pool.call_waiting(each, 1)) for each in calls] == [[("c1", "a2")], [("c2", "a1")]]


def test_a_dialect_that_nobody_has_heard_of_is_taken_for_mandarin() -> None:
    assert pairs(matcher(agent("a1")).call_waiting(call("c1", 1, "klingon"), 1)) == [("c1", "a1")]
