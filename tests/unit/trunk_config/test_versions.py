"""Versions of quotas: what differs, and what comes back when one is over."""

import pytest

from tests.unit.trunk_config.network import NOW, city, version
from trunk_config.quota import Quota
from trunk_config.versions import differences, former

pytestmark = pytest.mark.unit


def test_differences_name_each_number_that_is_not_the_same() -> None:
    before = {city("a"): Quota(1, 5), city("b"): Quota(2, 6), city("c"): Quota(0, 1)}
    after = {city("a"): Quota(1, 7), city("b"): Quota(2, 6), city("d"): Quota(3, 4)}
    told = [str(found) for found in differences(before, after)]
    assert told == ["a cap 5 → 7", "c reserve 0 → none", "c cap 1 → none", "d reserve none → 3", "d cap none → 4"]
    assert differences(before, before) == ()


def test_a_version_is_over_at_its_end_time() -> None:
    assert not version().is_over(NOW)
    ends = version(until=NOW, returns_to=1)
    assert [ends.is_over(now) for now in (NOW - 0.001, NOW)] == [False, True]


def test_what_was_before_comes_back() -> None:
    typhoon = version(2, "typhoon", until=NOW, returns_to=1)
    assert former(typhoon, {1: version()}, NOW).version == 1


def test_what_is_over_itself_by_then_does_not_come_back() -> None:
    first = version(2, "typhoon", until=NOW - 10, returns_to=1)
    second = version(3, "take-over", until=NOW, returns_to=2)
    known = {1: version(), 2: first}
    assert former(second, known, NOW).version == 1
    assert former(second, known | {2: version(2, "typhoon", until=NOW + 10, returns_to=1)}, NOW).version == 2
