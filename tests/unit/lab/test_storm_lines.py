"""Lines against channels, look by look."""

from collections import Counter
from collections.abc import Mapping

import pytest

from lab.storm_lines import Excess, Look, equal_after_s, excesses, most_channels
from lab.storm_watch import answered_callers
from tieline.model import CityId
from trunk_config.in_force import InForce
from trunk_config.quota import Quota

pytestmark = pytest.mark.unit

SHARES = {CityId("fuzhou"): Quota(2, 3), CityId("putian"): Quota(1, 3)}


def _look(
    at: float, leases: Mapping[str, str], channels: str | None = None, counted: Mapping[str, int] | None = None
) -> Look:
    """A look at leases, by default with exactly their channels (letters) and their counts."""
    in_use = Counter(leases.values()) if counted is None else counted
    in_force = InForce(1, "normal", 4, SHARES, {CityId(city): count for city, count in in_use.items()})
    there = leases if channels is None else channels
    return Look(at, in_force, dict(leases), 0, {channel: f"call-{channel}" for channel in there})


AWAY = Look(2.0, None, None, 0, {"a": "call-a"})
A, AB = {"a": "fuzhou"}, {"a": "fuzhou", "b": "putian"}


def test_a_call_that_has_just_begun_or_ended_is_no_difference() -> None:
    looks = [_look(1, A, "ab"), _look(2, AB, "b"), _look(3, {"b": "putian"}, "b")]
    assert equal_after_s(looks, 0.5, 9) == 0


@pytest.mark.parametrize(
    "wrong",
    [
        [_look(1, A, ""), _look(2, A, "")],
        [_look(1, A, "ab"), _look(2, A, "ab")],
        [_look(1, A, counted={"fuzhou": 2}), _look(2, A, counted={"fuzhou": 2})],
        [_look(1, A, counted={}), _look(2, A, counted={})],
        [AWAY, AWAY],
    ],
    ids=["leaked", "not counted", "count too high", "count too low", "no Redis"],
)
def test_what_two_looks_show_is_a_difference_until_it_ends(wrong: list[Look]) -> None:
    assert equal_after_s(wrong, 0.5, 9) is None
    assert equal_after_s([*wrong, _look(3, A), _look(4, A)], 0.5, 9) == 2.5


def test_only_looks_of_the_time_in_question_count() -> None:
    looks = [_look(1, A, ""), _look(2, A, ""), _look(3, A), _look(4, A), _look(5, A, ""), _look(6, A, "")]
    assert equal_after_s(looks, 2.5, 4.5) == 0
    assert equal_after_s(looks, 6.5, 9) is None


def test_a_line_more_where_there_is_no_room_is_an_excess() -> None:
    four = dict.fromkeys("abcd", "fuzhou")
    assert list(excesses([_look(1, A), _look(2, four)])) == [Excess(2, "fuzhou uses 4 lines of 3")]
    assert list(excesses([_look(1, four), _look(2, four)])) == []  # a lower cap: it keeps what it has
    five = {"a": "fuzhou", "b": "fuzhou", "c": "fuzhou", "d": "putian", "e": "putian"}
    assert list(excesses([_look(1, A), AWAY, _look(3, five)])) == []
    assert list(excesses([_look(1, A), _look(2, five)])) == [Excess(2, "5 of 4 lines in use")]


def test_the_most_channels_of_a_city_are_counted_by_the_edges_accounting() -> None:
    looks = [_look(1, {}, "abc"), _look(2, {}, "ab"), _look(3, {}, "c")]
    city_of = {"call-a": "fuzhou", "call-b": "fuzhou", "call-c": "putian"}
    assert most_channels(looks, city_of, 0.5, 3.5) == {"fuzhou": 2, "putian": 1}
    assert most_channels(looks, city_of, 2.5, 3.5) == {"putian": 1}


def test_answered_callers_are_read_from_the_list_of_channels() -> None:
    listing = "\n".join(
        (
            "PJSIP/edge-1-0000000a!hold!s!3!Up!WaitForCondition!!,#[a!b]!154!call-1!!3!7!bridge!fuzhou-1-1795.10",
            "PJSIP/edge-1-0000000b!refuse!s!3!Ring!Playback!x!154!call-2!!3!7!!fuzhou-1-1795.11",
            "PJSIP/a1001-0000000c!agent!s!3!Up!AppDial!x!154!call-1!!3!7!bridge!fuzhou-1-1795.12",
            "PJSIP/edge-1-0000000d!hangup!s!3!Up!AGI!x!154!call-3!!3!7!!fuzhou-1-1795.13",
            "Unable to connect to remote asterisk",
        )
    )
    assert answered_callers(listing, ("PJSIP/edge-1-",)) == {"fuzhou-1-1795.10": "call-1"}
