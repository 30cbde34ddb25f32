"""Expected waits: small pools worked out by hand, and the error over a simulated day."""

from collections.abc import Mapping
from statistics import fmean

import pytest

from routing.agents import Agent, load_agents
from routing.expected_wait import Expected, WaitEstimator
from routing.ladder_file import load_ladders
from routing.offers import Waiting
from routing.seats import Seat
from tests.unit.ivr_prompts.test_texts import ROOT
from tests.unit.routing.simulated_hours import Hours
from tieline.model import (
    MANDARIN,
    AgentId,
    AgentState,
    Business,
    CallId,
    CityId,
    DialectId,
    Lane,
    Level,
    Need,
    NodeId,
    SiteId,
)
from tieline.topology_file import load_topology

pytestmark = pytest.mark.unit

FUZHOU, PUXIAN = SiteId("fuzhou"), DialectId("puxian")
NOW, BUSY_S = 1_795_250_000.0, 200.0
TALKING = Seat(AgentState.TALKING)


def agent(name: str, *, puxian: bool = False, business: Business = Business.REPAIR) -> Agent:
    dialects = {MANDARIN: Level.FLUENT} | ({PUXIAN: Level.NATIVE} if puxian else {})
    return Agent(AgentId(name), FUZHOU, name, dialects, {business: Level.FLUENT})


def roster(*agents: Agent) -> Mapping[AgentId, Agent]:
    return {one.id: one for one in agents}


TEN = roster(*(agent(f"a10{number:02}", puxian=number < 2) for number in range(10)))
TOPOLOGY = load_topology(ROOT / "examples/fujian.toml")
LADDERS = load_ladders(TOPOLOGY, load_agents(ROOT / "examples/agents.toml", TOPOLOGY))


def call(
    name: str,
    waited_s: float = 0.0,
    *,
    dialect: DialectId = MANDARIN,
    lane: Lane = Lane.NORMAL,
    business: Business = Business.REPAIR,
) -> Waiting:
    need = Need(dialect, business, CityId("putian"), lane)
    return Waiting(CallId(name), NodeId("fuzhou-1"), "PJSIP/x", need, NOW - waited_s, FUZHOU)


def expected(calls: list[Waiting], seats: Mapping[AgentId, Seat]) -> dict[str, Expected]:
    found = WaitEstimator(TEN, LADDERS).estimate(calls, seats, busy_s=BUSY_S, now=NOW)
    return {str(name): one for name, one in found.items()}


def all_talk(*but: str) -> dict[AgentId, Seat]:
    return {name: TALKING for name in TEN if name not in but}


def test_with_everybody_talking_the_wait_is_the_mean_time_between_two_ends() -> None:
    found = expected([call("first", 30), call("second", 20), call("third", 10)], all_talk())
    assert [found[name].ahead for name in ("first", "second", "third")] == [0, 1, 2]
    assert [found[name].wait_s for name in ("first", "second", "third")] == pytest.approx([20.0, 40.0, 60.0])


def test_a_dialect_call_that_only_speakers_may_take_waits_for_them_until_its_ladder_opens() -> None:
    [found] = expected([call("new", dialect=PUXIAN)], all_talk()).values()
    # Two speakers at 1/200 s each; from 15 s on all ten: 15 s · 0.01 + (t - 15 s) · 0.05 = 1.
    assert found.wait_s == pytest.approx(15 + 0.85 / 0.05)
    [later] = expected([call("old", 60, dialect=PUXIAN)], all_talk()).values()
    assert later.wait_s == pytest.approx(20.0)


def test_who_is_known_to_come_free_counts_at_that_moment() -> None:
    seats = all_talk() | {AgentId("a1005"): Seat(AgentState.WRAP_UP, until=NOW + 3)}
    [found] = expected([call("one")], seats).values()
    assert found.wait_s == pytest.approx(3.0)
    away = all_talk() | {AgentId("a1005"): Seat(AgentState.NOT_READY, reason="meal")}
    [found] = expected([call("one")], away).values()
    assert found.wait_s == pytest.approx(200 / 9)


def test_an_agent_who_is_ready_but_not_reached_yet_counts_from_the_step_on() -> None:
    seats = {AgentId("a1000"): TALKING, AgentId("a1005"): Seat(AgentState.READY)}
    [found] = expected([call("one", 5, dialect=PUXIAN)], seats).values()
    assert found.wait_s == pytest.approx(10.0)


def test_calls_ahead_that_can_go_elsewhere_count_in_part() -> None:
    repair = roster(*(agent(f"a10{number:02}") for number in range(2)))
    others = roster(*(agent(f"a10{number:02}", business=Business.BILLING) for number in range(2, 10)))
    unknown = [call(f"o{number}", 50, business=Business.OTHER) for number in range(10)]
    estimator = WaitEstimator({**repair, **others}, LADDERS)
    found = estimator.estimate([*unknown, call("mine")], all_talk(), busy_s=BUSY_S, now=NOW)
    assert found[CallId("mine")].ahead == 2  # ten calls for ten agents, of whom two are ours
    assert found[CallId("mine")].wait_s == pytest.approx(300.0)


def test_lanes_go_before_each_other_and_life_safety_reaches_everybody_at_once() -> None:
    calls = [
        call("normal", 60),
        call("life", dialect=PUXIAN, lane=Lane.LIFE_SAFETY),
        call("back", 60, lane=Lane.CALLBACK),
    ]
    found = expected(calls, all_talk())
    assert {name: one.ahead for name, one in found.items()} == {"life": 0, "normal": 1, "back": 2}
    assert found["life"].wait_s == pytest.approx(20.0)


def test_with_nobody_on_duty_no_wait_is_told() -> None:
    assert expected([call("one")], {})["one"] == Expected(0, None)


@pytest.mark.parametrize(("arrivals_a_h", "seats"), [(210, 11), (430, 22), (460, 22)])
def test_the_error_over_simulated_hours(arrivals_a_h: float, seats: int) -> None:
    pairs = [pair for seed in range(2) for pair in Hours(LADDERS, seed, seats).play(arrivals_a_h)]
    mean = fmean(actual for _, actual in pairs)
    error = fmean(abs(estimate - actual) for estimate, actual in pairs)
    bias = fmean(estimate - actual for estimate, actual in pairs)
    same_for_all = fmean(abs(mean - actual) for _, actual in pairs)
    print(f"{len(pairs)} waits of {mean:.0f} s: error {error:.1f}, bias {bias:+.1f}; constant {same_for_all:.1f} s")
    assert abs(bias) < 0.2 * mean
    assert error < 0.6 * same_for_all
