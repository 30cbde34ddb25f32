"""Offered load out of counted calls."""

import pytest

from crm_adapter.offered import UNKNOWN_HOLDING_S, CityHour, busy_hour_loads

pytestmark = pytest.mark.unit

DAY = 24


def hour(at: int, held: int, held_s: float, others: int = 0, city: str = "fuzhou") -> CityHour:
    return CityHour(city, at, held, held_s, others)


def test_an_hour_of_calls() -> None:
    """224 calls of 200 s are 12.44 Erlang (domain-facts (e))."""
    assert busy_hour_loads([hour(0, 224, 224 * 200.0)])["fuzhou"] == pytest.approx(12.444, abs=0.001)


def test_refused_calls_count_by_the_mean_holding_time_of_their_city() -> None:
    hours = [hour(0, 10, 1000.0, 10), hour(1, 10, 3000.0), hour(0, 10, 36000.0, city="putian")]
    assert busy_hour_loads(hours)["fuzhou"] == pytest.approx((1000 + 10 * 200) / 3600)


def test_a_city_that_was_never_admitted_counts_by_the_mean_of_all() -> None:
    hours = [hour(0, 0, 0.0, 36), hour(0, 4, 400.0, city="putian")]
    assert busy_hour_loads(hours)["fuzhou"] == pytest.approx(1.0)
    assert busy_hour_loads(hours[:1])["fuzhou"] == pytest.approx(36 * UNKNOWN_HOLDING_S / 3600)


def test_a_storm_of_one_day_is_not_the_busy_hour() -> None:
    days = [hour(day * DAY + 9, 36, 3600.0) for day in range(5)] + [hour(5 * DAY + 9, 360, 72000.0, 4000)]
    quiet = [hour(day * DAY + 12, 1, 100.0) for day in range(6)]
    assert busy_hour_loads(days + quiet)["fuzhou"] == pytest.approx(1.0)


def test_days_begin_at_midnight_in_china() -> None:
    """15:00 UTC is 23:00 in China, 16:00 UTC the next day."""
    before, after = hour(15, 1, 3600.0), hour(16, 1, 10800.0)
    assert busy_hour_loads([before, after])["fuzhou"] == pytest.approx(2.0)
    assert busy_hour_loads([after, hour(17, 1, 3600.0)])["fuzhou"] == pytest.approx(3.0)


def test_nothing_measured() -> None:
    assert busy_hour_loads([]) == {}
