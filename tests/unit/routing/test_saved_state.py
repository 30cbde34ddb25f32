"""Which of a matcher's state is written again after its effects."""

from typing import get_args

import pytest

from routing.intake import Rescue
from routing.keys import OFFERS, POOL, SEATS
from routing.offers import (
    AloneLeg,
    DeclineOffer,
    Effect,
    EndLeg,
    JoinLeg,
    LendAgent,
    MakeOffer,
    MoveCall,
    NextLeg,
    Offer,
    Onward,
    RefuseConsult,
    SeatChanged,
    Step,
    StepConsult,
    TakeUpOffer,
    WantAgent,
    WithdrawOffer,
)
from routing.saved_state import SavedState
from routing.seats import EMPTY
from tests.unit.routing.people import agent, call, matcher
from tests.unit.routing.test_explain import DECISION
from tieline.model import AgentId, NodeId

pytestmark = pytest.mark.unit

LI = AgentId("a1001")
CALL = call("c1", 10)
OFFER = Offer(CALL, LI, 7, 25.0)
OF_CALLS: list[Effect | Rescue] = [
    MakeOffer(OFFER, DECISION),
    TakeUpOffer(OFFER),
    WithdrawOffer(OFFER, "gone"),
    DeclineOffer(CALL.call_id, LI, 7, "late"),
    MoveCall(CALL, Onward()),
    StepConsult(CALL, LI, Step.CONSULT, AgentId("a1002"), 8),
    WantAgent(CALL, AgentId("a2001")),
    LendAgent(OFFER),
    RefuseConsult(CALL, LI, AgentId("a2001"), "talking"),
    NextLeg(CALL, LI, 20.0),
    JoinLeg(CALL, LI, 20.0),
    AloneLeg(CALL, LI, 20.0),
    EndLeg(CALL, LI),
    Rescue(CALL.call_id, NodeId("fuzhou-1"), CALL.channel),
]
OF_A_SEAT = SeatChanged(LI, EMPTY, EMPTY)


def written(effect: Effect | Rescue) -> list[tuple[object, object]]:
    """Give table and row of what is written."""
    saved = SavedState(matcher(agent("a1001")), "5-0")
    saved.touch([effect])
    return [(command[1], command[2]) for command in saved.take_changes()[:-1]]


def test_every_effect_is_here() -> None:
    assert {type(effect) for effect in [*OF_CALLS, OF_A_SEAT]} == {*get_args(Effect), Rescue}


@pytest.mark.parametrize("effect", OF_CALLS, ids=lambda effect: type(effect).__name__)
def test_the_call_of_an_effect_is_written_again(effect: Effect | Rescue) -> None:
    assert written(effect) == [(POOL, "c1"), (OFFERS, "c1")]


def test_a_changed_seat_is_written_again() -> None:
    assert written(OF_A_SEAT) == [(SEATS, "a1001")]
