"""Buckets as Prometheus counts them."""

import pytest

from tieline.histogram import Buckets, Histogram, joined

pytestmark = pytest.mark.unit


def test_values_are_cumulated_and_a_bound_holds_what_is_equal_to_it() -> None:
    histogram = Histogram((0.001, 0.01))
    for value in (0.0005, 0.001, 0.002, 5.0):
        histogram.add(value)
    picture = histogram.picture()
    assert picture.counts == (2, 1, 1)
    assert picture.cumulated() == [("0.001", 2), ("0.01", 3), ("+Inf", 4)]
    assert picture.total == pytest.approx(5.0035)


@pytest.mark.parametrize(
    ("share", "bound"), [(0.25, 1.0), (0.5, 1.0), (0.51, 2.0), (0.75, 2.0), (0.76, None), (1, None)]
)
def test_the_bound_that_a_share_of_the_values_do_not_exceed(share: float, bound: float | None) -> None:
    assert Buckets((1.0, 2.0), (2, 1, 1), 9.0).at_most(share) == bound


def test_histograms_are_joined() -> None:
    two = joined([Buckets((1.0, 2.0), (2, 1, 1), 9.0), Buckets((1.0, 2.0), (0, 4, 0), 6.0)])
    assert two == Buckets((1.0, 2.0), (2, 5, 1), 15.0)
    assert joined([]).at_most(0.5) is None
