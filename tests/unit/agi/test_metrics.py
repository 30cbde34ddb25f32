"""Counters add up, and a picture of them does not change afterwards."""

import pytest

from agi.errors import Fault
from agi.metrics import BUCKETS_S, End, Refusal, Tally

pytestmark = pytest.mark.unit


def test_picture() -> None:
    tally = Tally()
    tally.ended("menu", End.DONE, 0.01)
    tally.ended("menu", End.DONE, 1000.0)
    tally.ended("menu", End.HUNG_UP, 0.02)
    tally.refused[Refusal.FULL] += 1
    tally.faults[Fault.NOT_AGI] += 2
    tally.in_progress = 3
    picture = tally.picture(5)
    tally.ended("menu", End.DONE, 0.01)
    tally.refused[Refusal.FULL] += 1
    assert picture.sessions == {("menu", End.DONE): 2, ("menu", End.HUNG_UP): 1}
    assert picture.refused == {Refusal.FULL: 1}
    assert picture.faults == {Fault.NOT_AGI: 2}
    assert (picture.in_progress, picture.connections) == (3, 5)
    durations = picture.durations["menu"]
    assert durations.count == 3
    assert durations.sum_s == pytest.approx(1000.03)
    assert durations.buckets == (0, 2, *[0] * (len(BUCKETS_S) - 2), 1)
