"""Who gets which call: fit, scarcity, site, place and idle time; lanes, waits, head starts; reserves."""

import pytest

from routing.decision import Cause, Lost
from routing.matcher import Matcher
from tests.unit.routing.people import (
    LADDERS,
    RULES,
    XIAMEN,
    agent,
    ask_for,
    call,
    come,
    decision,
    matcher,
    offers,
    pairs,
    with_numbers,
)
from tieline.model import AgentId, Business, CallId, Lane

pytestmark = pytest.mark.unit

NUMBERS = LADDERS.numbers


def chosen(pool: Matcher, *calls: str, now: float = 0.0) -> list[str]:
    """Let Mandarin calls come, one after the other, and name their agents."""
    return [name for each in calls for _, name in pairs(pool.call_waiting(call(each, now), now))]


# --- an agent for a call -------------------------------------------------------------------------------------


def test_fit_goes_before_idle_time_and_site() -> None:
    people = (agent("a1", basic=("puxian",)), agent("a2"), agent("a3", "puxian", site=XIAMEN))
    effects = matcher(*people).call_waiting(call("c", 1, "puxian"), 1)
    assert pairs(effects) == [("c", "a3")]
    assert {(other.agent, other.lost) for other in decision(effects).other_agents} == {
        ("a1", Lost.NOT_YET),
        ("a2", Lost.NOT_YET),
    }
    assert decision(effects).fit.crosses


def test_who_knows_the_business_well_goes_before_who_knows_it_a_little() -> None:
    effects = matcher(agent("a1", weak=(Business.REPAIR,)), agent("a2")).call_waiting(call("c", 1), 1)
    assert pairs(effects) == [("c", "a2")]
    assert [other.lost for other in decision(effects).other_agents] == [Lost.FIT]


@pytest.mark.parametrize("native", [("puxian",), ("repair",)])
def test_the_native_one_goes_before_who_is_fluent_and_idle_longer_but_not_across_the_sites(
    native: tuple[str, ...],
) -> None:
    fluent, here = agent("a1", "puxian"), agent("a2", "puxian", native=native)
    effects = matcher(fluent, here).call_waiting(call("c", 1, "puxian"), 1)
    assert pairs(effects) == [("c", "a2")]
    assert [other.lost for other in decision(effects).other_agents] == [Lost.FIT]
    there = agent("a2", "puxian", native=("puxian", "repair"), site=XIAMEN)
    assert pairs(matcher(fluent, there).call_waiting(call("c", 1, "puxian"), 1)) == [("c", "a1")]


def test_the_last_speaker_is_not_spent_on_a_mandarin_caller_while_another_site_has_one_to_spare() -> None:
    pool = matcher(agent("a1", "puxian"), agent("a2", site=XIAMEN), ladders=with_numbers(reserve=0.9))
    ask_for(pool, "puxian", 0)
    effects = pool.call_waiting(call("c1", 1), 1)
    assert pairs(effects) == [("c1", "a2")]
    assert [other.lost for other in decision(effects).other_agents] == [Lost.SCARCITY]
    assert chosen(pool, "c2", now=2) == ["a1"], "and gets him when there is nobody else"


def test_who_speaks_what_nobody_asks_for_goes_before_an_agent_of_another_site() -> None:
    pool = matcher(agent("a1", "puxian"), agent("a2", site=XIAMEN))
    assert chosen(pool, "c1", now=1) == ["a1"]


def test_of_two_kinds_of_speakers_the_less_scarce_goes_first() -> None:
    people = (agent("a1", "puxian"), agent("a2", "min_dong"), agent("a3", "min_dong"), agent("a4", "min_dong"))
    pool = matcher(*people, ladders=with_numbers(reserve=0.5))
    for dialect in ("puxian", "min_dong"):
        ask_for(pool, dialect, 0)
    assert chosen(pool, "c1", "c2", now=1) == ["a2", "a3"]


def test_among_equals_the_own_site_goes_first_then_the_place_then_idle_time() -> None:
    people = (
        agent("a1", site=XIAMEN, counties=("minhou",)),
        agent("a2"),
        agent("a3", cities=("fuzhou",)),
        agent("a4", counties=("minhou",)),
    )
    pool = matcher(*people)
    effects = pool.call_waiting(call("c1", 1, county="minhou"), 1)
    assert pairs(effects) == [("c1", "a4")]
    assert decision(effects).fit.place == "county"
    assert {(other.agent, other.lost) for other in decision(effects).other_agents} == {
        ("a2", Lost.PLACE),
        ("a3", Lost.PLACE),
        ("a1", Lost.SITE),
    }
    found = [
        name for each in ("c2", "c3", "c4") for _, name in pairs(pool.call_waiting(call(each, 2, county="minhou"), 2))
    ]
    assert found == ["a3", "a2", "a1"]


def test_who_knows_the_place_goes_before_some_longer_idle_ones_not_before_all() -> None:
    people = [agent(f"a{number}") for number in range(1, 5)]
    pool = matcher(*people, agent("a9", cities=("fuzhou",)), ladders=with_numbers(place_among=2))
    assert chosen(pool, "c1", "c2", "c3", "c4", now=1) == ["a1", "a2", "a3", "a9"]


def test_a_site_s_own_agents_alone_are_offered() -> None:
    pool = matcher(agent("a1", site=XIAMEN), own=("fuzhou",))  # type: ignore[arg-type]
    assert chosen(pool, "c1") == []


# --- a call for an agent -------------------------------------------------------------------------------------


def test_lanes_go_before_waits_and_waits_before_names() -> None:
    pool = matcher(agent("a1"))
    pool.answered(CallId("t"), AgentId("a1"), 1)
    lanes = {"b": Lane.CALLBACK, "n2": Lane.NORMAL, "n1": Lane.NORMAL, "i": Lane.IMPORTANT, "l": Lane.LIFE_SAFETY}
    for number, (name, lane) in enumerate(lanes.items()):
        pool.call_waiting(call(name, 10 - (name == "n1") - number / 1000, lane=lane), 10)
    served, now = [], 100.0
    for _ in lanes:
        pool.agent_free(AgentId("a1"), now)
        effects = pool.tick(now + RULES.wrap_up_s)
        [offer] = offers(effects)
        served.append(offer.call.call_id)
        pool.answered(offer.call.call_id, offer.agent, now + RULES.wrap_up_s)
        now += 40
    assert served == ["l", "i", "n1", "n2", "b"]


def test_a_lower_lane_is_passed_over_only_up_to_its_bound() -> None:
    ahead_s = LADDERS.lanes[Lane.IMPORTANT].head_start_s
    for waited_s, first in ((ahead_s - 1, "important"), (ahead_s + 1, "normal")):
        pool = Matcher({AgentId("a1"): agent("a1")}, RULES, LADDERS, frozenset((XIAMEN, agent("a1").site)))
        pool.call_waiting(call("normal", 1000 - waited_s), 1000)
        pool.call_waiting(call("important", 1000, lane=Lane.IMPORTANT), 1000)
        effects = come(pool, "a1", 1000)
        assert [name for name, _ in pairs(effects)] == [first]
        assert decision(effects).other_calls[0].lost is (Lost.WAIT if waited_s > ahead_s else Lost.LANE)


@pytest.mark.parametrize(("share", "head_start_s"), [(0.9, NUMBERS.own_dialect_s), (0.6, NUMBERS.crowded_dialect_s)])
def test_a_freed_speaker_takes_his_own_dialect_first_as_far_as_its_head_start_goes(
    share: float, head_start_s: float
) -> None:
    """Two callers and three agents: crowded by the second share, not by the first."""
    people = [agent("a1", "puxian"), agent("a2"), agent("a3")]
    for later_s, first in ((head_start_s - 1, "own"), (head_start_s + 1, "mandarin")):
        pool = matcher(*people, ladders=with_numbers(reserve=0, crowded_share=share))
        for person in people:
            pool.answered(CallId(f"t-{person.id}"), person.id, 900)
        pool.call_waiting(call("mandarin", 1000 - later_s), 1000)
        pool.call_waiting(call("own", 1000, "puxian"), 1000)
        pool.agent_free(AgentId("a1"), 1000 - RULES.wrap_up_s)
        assert [name for name, _ in pairs(pool.tick(1000))] == [first]


def first_of_a_queue(callers: int, speakers: int, later_s: float, *, lane: Lane = Lane.NORMAL) -> str:
    """Let the last of some speakers come free for a caller in Mandarin or, later, one of his dialect out of some.

    One of them has waited for 20 s, the others not yet.
    """
    people = [agent(f"a{number}", "puxian") for number in range(speakers)]
    pool = matcher(*people, ladders=with_numbers(reserve=0, crowded_share=0))
    for person in people:
        pool.answered(CallId(f"t-{person.id}"), person.id, 900)
    pool.call_waiting(call("own", 1000 - 20, "puxian"), 1000)
    for number in range(1, callers):
        pool.call_waiting(call(f"later{number}", 1000, "puxian", lane=lane), 1000)
    pool.call_waiting(call("mandarin", 1000 - 20 - later_s), 1000)
    pool.agent_free(AgentId("a0"), 1000 - RULES.wrap_up_s)
    [(first, _)] = pairs(pool.tick(1000))
    return first


@pytest.mark.parametrize(
    ("callers", "weight"),
    [
        (1, NUMBERS.own_dialect_weight + NUMBERS.queue_weight / 100),
        (3, NUMBERS.own_dialect_weight + NUMBERS.queue_weight * 9 / 100),
        (20, NUMBERS.most_weight),
    ],
)
def test_a_freed_speaker_counts_each_second_of_wait_for_his_own_dialect_more_the_longer_its_queue(
    callers: int, weight: float
) -> None:
    ahead_s = NUMBERS.crowded_dialect_s + (weight - 1) * 20
    assert first_of_a_queue(callers, 10, ahead_s - 1) == "own"
    assert first_of_a_queue(callers, 10, ahead_s + 1) == "mandarin"


def test_a_life_goes_before_whoever_weighs_most_for_half_an_hour() -> None:
    for lane in (Lane.NORMAL, Lane.IMPORTANT):
        pool = matcher(agent("a1", "puxian"), ladders=with_numbers(reserve=0))
        pool.answered(CallId("t"), AgentId("a1"), 8000)
        for number in range(5):
            pool.call_waiting(call(f"queue{number}", 8200, "puxian", lane=lane), 8200)
        pool.call_waiting(call("life", 10_000, lane=Lane.LIFE_SAFETY), 10_000)
        pool.agent_free(AgentId("a1"), 10_000 - RULES.wrap_up_s)
        assert [name for name, _ in pairs(pool.tick(10_000))] == ["life"]


def test_who_is_called_back_makes_no_queue() -> None:
    ahead_s = NUMBERS.crowded_dialect_s + (NUMBERS.own_dialect_weight + NUMBERS.queue_weight / 100 - 1) * 20
    assert first_of_a_queue(5, 10, ahead_s - 1, lane=Lane.CALLBACK) == "own"
    assert first_of_a_queue(5, 10, ahead_s + 1, lane=Lane.CALLBACK) == "mandarin"


def test_who_is_called_back_does_not_weigh_more_for_his_dialect() -> None:
    since = 1000 + LADDERS.lanes[Lane.CALLBACK].head_start_s + NUMBERS.crowded_dialect_s
    for waited_more_s, first in ((-1, "mandarin"), (1, "back")):
        pool = Matcher({AgentId("a1"): agent("a1", "puxian")}, RULES, LADDERS, frozenset((agent("a1").site,)))
        pool.call_waiting(call("mandarin", 1000), 1000)
        pool.call_waiting(call("back", since - waited_more_s, "puxian", lane=Lane.CALLBACK), 1000)
        assert [name for name, _ in pairs(come(pool, "a1", 1000))] == [first]


def test_a_call_that_is_not_open_yet_is_passed_over_and_said_so() -> None:
    pool = Matcher({AgentId("a1"): agent("a1")}, RULES, LADDERS, frozenset((agent("a1").site,)))
    pool.call_waiting(call("dialect", 990, "puxian", lane=Lane.IMPORTANT), 1000)
    pool.call_waiting(call("normal", 999), 1000)
    effects = come(pool, "a1", 1000)
    assert pairs(effects) == [("normal", "a1")]
    [other] = decision(effects).other_calls
    assert (other.call_id, other.lost, other.wait_s) == ("dialect", Lost.NOT_YET, 10)
    assert decision(effects).cause is Cause.AGENT


def test_the_same_ladders_again_leave_the_pool_as_it_is() -> None:
    pool = matcher(agent("a1"))
    pool.leave({XIAMEN: frozenset({Business.BILLING})}, 100)
    index = pool._exchange.pool
    assert pool.use(LADDERS, 101) == []
    assert pool._exchange.pool is index
    pool.use(with_numbers(reserve=0), 102)
    assert pool._exchange.pool is not index
    assert pool.ladders.left == {XIAMEN: {Business.BILLING}}


def test_other_ladders_are_gone_by_from_the_moment_they_are_put_in_force() -> None:
    pool = matcher(agent("a1", "puxian"), ladders=with_numbers(reserve=3))
    ask_for(pool, "puxian", 100)
    assert chosen(pool, "c1", now=100) == []
    effects = pool.use(with_numbers(reserve=0), 101)
    assert pairs(effects) == [("c1", "a1")]
    assert pool.ladders.numbers.reserve == 0
