"""The list of refused numbers."""

import random

import pytest

from crm_adapter.refused import Attempt, RefusedNumber, refused_list
from tieline.model import Outcome

pytestmark = pytest.mark.unit

A, B = "+8659100001111", "+8659100002222"


def refused(number: str, at: float, ticket: str = "") -> Attempt:
    return Attempt(number, at, Outcome.REFUSED, ticket)


def came(number: str, at: float, outcome: Outcome = Outcome.ANSWERED) -> Attempt:
    return Attempt(number, at, outcome, "")


def test_a_number_is_there_once_with_its_count_and_times_the_last_refused_first() -> None:
    attempts = [refused(A, 10.0), refused(B, 15.0), refused(A, 20.0), refused(A, 12.0)]
    random.Random(3).shuffle(attempts)
    assert refused_list(attempts).numbers == (
        RefusedNumber(number=A, times=3, first_at=10.0, last_at=20.0),
        RefusedNumber(number=B, times=1, first_at=15.0, last_at=15.0),
    )


@pytest.mark.parametrize(
    ("outcome", "at", "through_at"),
    [
        (Outcome.ANSWERED, 30.0, 30.0),
        (Outcome.SELF_SERVED, 30.0, 30.0),
        (Outcome.ABANDONED_WAITING, 30.0, 0.0),  # he was let in, but nobody has served him
        (Outcome.ANSWERED, 15.0, 0.0),  # served before he was refused again
    ],
)
def test_who_was_served_after_the_last_refusal_is_marked(outcome: Outcome, at: float, through_at: float) -> None:
    (found,) = refused_list([refused(A, 10.0), came(A, at, outcome), refused(A, 20.0)]).numbers
    assert found.through_at == through_at


def test_the_newest_ticket_that_a_refusal_is_attached_to() -> None:
    (found,) = refused_list([refused(A, 10.0, "t1"), refused(A, 20.0, "t2"), refused(A, 30.0)]).numbers
    assert found.ticket == "t2"


def test_without_a_number_nobody_can_be_called_back() -> None:
    found = refused_list([refused("", 10.0), refused("", 11.0), came("", 12.0), came(A, 12.0)])
    assert (found.numbers, found.without_number) == ((), 2)
