"""News of a consultation that comes late or out of order: who had the caller is noted all the same."""

from collections.abc import Callable, Iterable
from itertools import permutations
from typing import Final

import pytest

from ami_bridge.consulting import legs_after
from routing.matcher import Matcher
from routing.offers import Effect, Step
from routing.outgoing import commands_of
from tests.unit.routing.people import FUZHOU
from tests.unit.routing.talks import ANNE, BEN, C1, TO_BEN, talking
from tieline import bus
from tieline.model import AgentState, NodeId

pytestmark = pytest.mark.unit

HEARD: Final = 40.0
BEFORE: Final = "a1001:repair@12.000"

Event = Callable[[Matcher], list[Effect]]
THREE: dict[str, Event] = {
    "rung": lambda pool: pool.rung(C1, BEN, HEARD, 21),
    "answered": lambda pool: pool.answered(C1, BEN, HEARD, 22),
    "threeway": lambda pool: pool.transferred(C1, "threeway", HEARD, 24),
    "first gone": lambda pool: pool.agent_free(ANNE, HEARD, C1, 30),
}
"""Anne consults Ben, all three talk, Anne leaves; the matcher hears of it much later."""


def noted(effects: Iterable[Effect], legs: str = BEFORE) -> str:
    """Give `TL_LEGS` once the bridge has carried out what is to be noted."""
    for command in commands_of(FUZHOU, effects, HEARD, lambda agent, node: NodeId("")):
        if command[0] == "XADD" and isinstance(raw := command[-1], bytes) and b"NoteLeg" in raw:
            note = bus.decode_command(raw)
            assert isinstance(note, bus.NoteLeg)
            legs = legs_after(legs, "repair", note)
    return legs


def consulting() -> Matcher:
    pool, _ = talking()
    pool.transfer(C1, ANNE, Step.CONSULT, TO_BEN, 20)
    return pool


@pytest.mark.parametrize("order", list(permutations(THREE)))
def test_who_was_joined_has_a_part_in_whatever_order_it_is_told(order: tuple[str, ...]) -> None:
    pool = consulting()
    effects = [effect for name in order for effect in THREE[name](pool)]
    first, second = noted(effects).split("&")
    assert first == f"{BEFORE}-30.000"
    name, begin = second.split(":repair@")
    assert name == BEN
    assert float(begin) in (22, 24, 30)
    assert (pool.offers[C1].agent, pool.offers[C1].second) == (BEN, "")


def test_a_list_that_was_asked_for_before_the_second_answered_ends_no_consultation() -> None:
    pool = consulting()
    pool.rung(C1, BEN, HEARD, 21)
    pool.answered(C1, BEN, HEARD, 22)
    pool.phone_idle(BEN, HEARD, 20.9)
    assert pool.seats[BEN].state is AgentState.TALKING
    assert noted(pool.transferred(C1, "threeway", HEARD, 24)) == f"{BEFORE}&a1002:repair@24.000"


def test_a_list_that_was_asked_for_before_a_talk_leaves_it_one_that_can_be_transferred() -> None:
    pool, _ = talking()
    pool.phone_idle(ANNE, HEARD, 11.9)
    assert pool.seats[ANNE].state is AgentState.TALKING
    assert pool.offers[C1].talks
