"""How many busy speakers will soon be free."""

import random
from math import log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.freeing import Busy, Freeing
from tieline.model import AgentId, DialectId

pytestmark = pytest.mark.unit

PUXIAN, HAKKA = DialectId("puxian"), DialectId("hakka")
MEAN_S, SPREAD = 180.0, 0.6
NOW = 100_000.0
busy_ones = st.one_of(
    st.floats(NOW - 20_000, NOW + 5).map(lambda at: Busy(since=at)),
    st.floats(NOW, NOW + 60).map(lambda at: Busy(until=at)),
)


def freeing(*busy: Busy, spread: float = SPREAD) -> Freeing:
    known = Freeing(MEAN_S, spread)
    for number, one in enumerate(busy):
        known.set(AgentId(f"a{number}"), (PUXIAN,), one)
    return known


@pytest.mark.parametrize("age_s", [0, 60, 180, 420])
def test_talks_of_that_age_end_as_often_as_told(age_s: float) -> None:
    draw = random.Random(7)
    lengths_s = (draw.lognormvariate(log(MEAN_S) - SPREAD**2 / 2, SPREAD) for _ in range(200_000))
    older_s = [length_s for length_s in lengths_s if length_s > age_s]
    share = sum(length_s <= age_s + 40 for length_s in older_s) / len(older_s)
    assert freeing(Busy(since=1000)).expected(PUXIAN, 40, 1000 + age_s) == pytest.approx(share, abs=0.02)


def test_each_busy_speaker_counts_and_nobody_else() -> None:
    known = freeing(Busy(since=1000), Busy(since=1000))
    one = freeing(Busy(since=1000)).expected(PUXIAN, 40, 1100)
    assert known.expected(PUXIAN, 40, 1100) == pytest.approx(2 * one)
    assert known.expected(HAKKA, 40, 1100) == 0
    known.set(AgentId("a1"), (PUXIAN,), None)
    assert known.expected(PUXIAN, 40, 1100) == pytest.approx(one), "news count at once, at the same moment, too"


def test_the_end_of_a_wrap_up_is_known() -> None:
    known = freeing(Busy(until=1020))
    assert [known.expected(PUXIAN, within_s, 1000) for within_s in (19, 20)] == [0, 1]


def test_a_crowd_goes_by_the_mean_and_so_does_everybody_where_nothing_is_known_of_the_spread() -> None:
    crowd = freeing(*[Busy(since=1000)] * 90)
    assert crowd.expected(PUXIAN, 20, 1100) == pytest.approx(10)
    assert crowd.expected(PUXIAN, 9000, 1100) == 90
    assert freeing(Busy(since=1000), spread=0).expected(PUXIAN, 20, 1400) == pytest.approx(1 / 9)


@given(st.lists(busy_ones, max_size=30), st.floats(0, 300), st.floats(0, 300))
def test_more_come_the_longer_one_waits_and_never_more_than_there_are(
    busy: list[Busy], within_s: float, more_s: float
) -> None:
    known = freeing(*busy)
    soon, later = (known.expected(PUXIAN, each, NOW) for each in (within_s, within_s + more_s))
    assert 0 <= soon <= later + 1e-9 <= len(busy) + 2e-9


@given(st.lists(st.tuples(st.integers(0, 5), st.none() | busy_ones), max_size=30))
def test_only_what_was_told_last_of_each_counts(news: list[tuple[int, Busy | None]]) -> None:
    known = Freeing(MEAN_S, SPREAD)
    for agent, busy in news:
        known.set(AgentId(f"a{agent}"), (PUXIAN, HAKKA), busy)
        known.expected(PUXIAN, 40, NOW)
    last = [busy for busy in dict(news).values() if busy]
    assert known.expected(PUXIAN, 40, NOW) == pytest.approx(freeing(*last).expected(PUXIAN, 40, NOW))
    assert known.expected(HAKKA, 40, NOW) == known.expected(PUXIAN, 40, NOW)
