"""Buckets as Prometheus counts them."""

import pytest

from tieline.histogram import Histogram

pytestmark = pytest.mark.unit


def test_values_are_cumulated_and_a_bound_holds_what_is_equal_to_it() -> None:
    histogram = Histogram((0.001, 0.01))
    for value in (0.0005, 0.001, 0.002, 5.0):
        histogram.add(value)
    picture = histogram.picture()
    assert picture.counts == (2, 1, 1)
    assert picture.cumulated() == [("0.001", 2), ("0.01", 3), ("+Inf", 4)]
    assert picture.total == pytest.approx(5.0035)
