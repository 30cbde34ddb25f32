"""The age of what is seen of another site."""

import math

import pytest

from routing.freshness import STALE_S, Freshness

pytestmark = pytest.mark.unit


def test_a_heartbeat_is_fresh_once_it_was_seen_to_change_and_for_five_seconds_after() -> None:
    fresh = Freshness()
    assert fresh.age_s(100) == math.inf
    fresh.see(b"1", 100)
    assert not fresh.is_fresh(100), "what stands there may be a year old"
    fresh.see(b"2", 100.5)
    assert fresh.age_s(101) == 0.5
    fresh.see(b"2", 103)
    assert fresh.is_fresh(100.5 + STALE_S)
    assert not fresh.is_fresh(100.6 + STALE_S)
    fresh.see(b"3", 110)
    assert fresh.is_fresh(110)


def test_a_heartbeat_that_was_away_must_be_seen_to_change_again() -> None:
    fresh = Freshness()
    for heartbeat, at in ((b"1", 0.0), (b"2", 0.5), (None, 20.0), (b"2", 21.0)):
        fresh.see(heartbeat, at)
    assert not fresh.is_fresh(21)
    fresh.see(b"3", 21.5)
    assert fresh.is_fresh(21.5)
