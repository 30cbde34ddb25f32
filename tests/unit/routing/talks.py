"""Talks that tests of transfers and consultations begin with."""

from collections.abc import Sequence
from dataclasses import replace

from routing.matcher import Matcher
from routing.offers import (
    Effect,
    Offer,
    Onward,
    StepConsult,
    Waiting,
)
from tests.unit.routing.people import agent, call, matcher, offers
from tieline.model import AgentId, Business, CallId

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
