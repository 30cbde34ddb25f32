"""Decisions in plain words."""

import msgspec
import pytest

from routing.decision import Cause, Decision, Fit, Lost, OtherAgent, OtherCall
from routing.explain import sentences
from routing.why import CallDecisions, Ended, Offered
from tieline.model import AgentId, CallId

pytestmark = pytest.mark.unit


def fit(dialect: str, *, crosses: bool = False, place: str = "") -> Fit:
    return Fit(dialect, "fluent", crosses=crosses, place=place, price=1.5, scarcity=0.25, idle_s=62)


DECISION = Decision(
    at=1_790_000_000.5,
    cause=Cause.AGENT,
    call_id=CallId("fuzhou-1:1.1"),
    agent=AgentId("a1002"),
    fence=7,
    version=3,
    ladder="dialect",
    step=1,
    open_s=15,
    accept="basic",
    dialect="puxian",
    business="repair",
    lane="normal",
    wait_s=16.25,
    fit=fit("basic", place="county"),
    other_agents=(OtherAgent(AgentId("a2001"), fit("", crosses=True), Lost.NOT_YET),),
    other_calls=(OtherCall(CallId("fuzhou-1:2.1"), "min_dong", "normal", 3.0, Lost.WAIT),),
)


TOLD = """\
call fuzhou-1:1.1
2026-09-21 22:13:20.500  offered to a1002 (offer 7), because the agent came free and he was the best who fitted
    asked for: puxian, repair; lane normal; waited 16.2 s
    step 2 of ladder `dialect` (version 3), open after 15 s: basic or better
    a1002: basic of the dialect, fluent in the business, knows the county, idle 62 s, price 1.50, 0.25 for scarcity
    agents not chosen:
      a2001: not open to it yet (no knowledge of the dialect, fluent in the business, other site, idle 62 s, \
price 1.50, 0.25 for scarcity)
    calls passed over:
      fuzhou-1:2.1: has waited less long (min_dong, lane normal, waited 3.0 s)
2026-09-21 22:13:40.000  offer 7 to a1002 ended: the agent did not answer
"""


def test_a_decision_is_told_with_what_lost_and_how_it_ended() -> None:
    told = CallDecisions(
        call_id="fuzhou-1:1.1",
        decisions=[
            Offered(city="putian", decision=DECISION, lease_until=1_790_000_005.0),
            Ended(at=1_790_000_020.0, agent="a1002", fence=7, why="failed"),
        ],
    )
    assert "\n".join(sentences(told)) + "\n" == TOLD


def test_every_reason_has_words() -> None:
    for lost in Lost:
        other = OtherAgent(AgentId("a1"), fit("native"), lost)
        decision = msgspec.structs.replace(DECISION, other_agents=(other,))
        told = CallDecisions(call_id="c", decisions=[Offered(city="", decision=decision, lease_until=0)])
        assert any("a1: " in line for line in sentences(told))
