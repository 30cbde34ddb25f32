"""Notices: what is refused, which hold, and how they are told."""

from datetime import datetime

import msgspec
import pytest

from ivr_prompts.announce import (
    both_dialects,
    closed_sentence,
    main_dialect,
    notice_files,
    notice_sentence,
    refusal_sentence,
)
from ivr_prompts.notice import Notice, decoded, encode, faults, load_causes, of_city
from tests.unit.ivr_prompts.test_texts import ROOT
from tests.unit.ivr_prompts.worlds import UNBUILT
from tieline.model import MANDARIN, DialectId
from tieline.topology_file import load_topology

pytestmark = pytest.mark.unit

TOPOLOGY = load_topology(ROOT / "examples" / "fujian.toml")
CAUSES = load_causes()
MIN_DONG = DialectId("min_dong")


def at(text: str) -> float:
    """Read a time of November 2026, e.g. `21 16:30`, in China."""
    return datetime.fromisoformat(f"2026-11-{text}+08:00").timestamp()


NOW = at("21 16:30")
GULOU = Notice(city="fuzhou", county="gulou", cause="storm", until=at("21 18:00"), by="me", since=NOW)


def changed(**facts: object) -> Notice:
    return msgspec.structs.replace(GULOU, **facts)


def test_a_good_notice_has_no_faults() -> None:
    assert list(faults(GULOU, TOPOLOGY, CAUSES)) == []
    assert list(faults(changed(county="", until=NOW + 7 * 86400), TOPOLOGY, CAUSES)) == []


def test_every_fault_is_told_at_once() -> None:
    wrong = changed(county="siming", cause="magic", until=NOW)
    told = [str(problem) for problem in faults(wrong, TOPOLOGY, CAUSES)]
    assert [text.partition(" (")[0] for text in told] == [
        "county: fuzhou has no county 'siming'",
        "cause: unknown cause 'magic'",
        "until: the end is in the past",
    ]
    assert "gulou" in told[0]
    assert "typhoon" in told[1]


@pytest.mark.parametrize(
    ("facts", "what"),
    [
        ({"city": "atlantis"}, "city: unknown city 'atlantis'"),
        ({"until": NOW + 7 * 86400 + 1}, "until: the end is more than 7 days away"),
        ({"until": float("nan")}, "until: the end is in the past"),
        ({"until": float("inf")}, "until: the end is more than 7 days away"),
    ],
)
def test_one_fault(facts: dict[str, object], what: str) -> None:
    (problem,) = faults(changed(**facts), TOPOLOGY, CAUSES)
    assert str(problem).startswith(what)


def test_of_a_city_the_whole_city_comes_first_then_the_newest_and_nothing_that_is_over() -> None:
    whole = changed(county="", since=NOW - 900)
    newer = changed(county="minhou", since=NOW + 60)
    over = changed(county="mawei", until=NOW + 60)
    other = changed(city="xiamen", county="siming")
    assert of_city([GULOU, over, other, newer, whole], "fuzhou", NOW + 60) == (whole, newer, GULOU)
    assert of_city([GULOU], "putian", NOW) == ()


def test_copies_come_back_and_garbage_is_passed_over() -> None:
    copies = [encode(GULOU), b"{", b"\xff", b'{"city": "fuzhou"}', encode(changed(county=""))]
    assert list(decoded(copies)) == [GULOU, changed(county="")]


@pytest.mark.parametrize(
    ("until", "day", "clock"),
    [
        ("21 18:00", "0", "18:00"),
        ("21 18:01", "0", "18:30"),
        ("21 23:31", "1", "00:00"),  # rounded into the next day
        ("22 00:00", "1", "00:00"),
        ("23 23:30", "2", "23:30"),
        ("24 00:10", "tue", "00:30"),
        ("28 16:30", "sat", "16:30"),
    ],
)
def test_the_time_is_told_to_the_half_hour_with_its_day(until: str, day: str, clock: str) -> None:
    prompt, slots = notice_sentence(changed(until=at(until)), NOW)
    assert (prompt, slots["day"], str(slots["clock"])[:5]) == ("notice", day, clock)
    assert (slots["place"], slots["cause"]) == ("county_gulou", "storm")


def test_a_refused_caller_hears_the_time_of_today_or_else_the_day() -> None:
    today = refusal_sentence(GULOU, NOW)
    later = refusal_sentence(changed(county="", until=at("22 09:00")), NOW)
    assert (today.prompt, sorted(today.slots)) == ("refuse_notice", ["cause", "clock", "place"])
    assert later == ("refuse_notice_later", {"place": "city_fuzhou", "cause": "storm", "day": "1"})


def test_the_main_dialect_is_the_first_with_prompts() -> None:
    assert main_dialect(TOPOLOGY.cities["fuzhou"].dialects) == "min_dong"  # type: ignore[index]
    assert main_dialect([MANDARIN, DialectId("gan"), DialectId("hakka")]) == "hakka"
    assert both_dialects([MANDARIN]) == (MANDARIN,)


def test_two_notices_are_told_in_each_dialect_and_the_menu_goes_on() -> None:
    three = [GULOU, changed(county="mawei"), changed(county="minhou")]
    files = notice_files(UNBUILT, three, dialects=(MIN_DONG, MANDARIN), now=NOW)
    half = len(files) // 2
    assert [file.replace("min_dong/", "mandarin/") for file in files[:half]] == list(files[half:])
    assert files[half - 1] == "min_dong/notice_continue"
    assert [file for file in files if "county_" in file] == [
        "min_dong/county_gulou", "min_dong/county_mawei", "mandarin/county_gulou", "mandarin/county_mawei",
    ]  # fmt: skip


def test_what_falls_back_to_the_same_files_is_said_once_and_nothing_is_said_of_nothing() -> None:
    twice = notice_files(UNBUILT, [GULOU], dialects=(DialectId("gan"), MANDARIN), now=NOW)
    assert twice == notice_files(UNBUILT, [GULOU], dialects=(MANDARIN,), now=NOW)
    assert notice_files(UNBUILT, [], dialects=(MANDARIN,), now=NOW) == ()


def test_every_cause_can_be_said_and_has_both_names() -> None:
    for cause in CAUSES.values():
        assert f"mandarin/cause_{cause.id}" in UNBUILT.sentence(
            "refuse_notice_later", MANDARIN, place="city_fuzhou", cause=cause.id, day="0"
        )
        assert cause.name
        assert cause.english


@pytest.mark.parametrize(
    ("opening", "prompt", "day"),
    [
        (("22 08:00", "22 22:00"), "out_of_hours", "1"),
        (("27 08:00", "27 22:00"), "out_of_hours", "fri"),
        (("28 08:00", "28 22:00"), "out_of_hours_long", None),
        (None, "out_of_hours_long", None),
    ],
)
def test_a_closed_business_names_its_next_hours_as_long_as_a_weekday_is_clear(
    opening: tuple[str, str] | None, prompt: str, day: str | None
) -> None:
    said = closed_sentence((at(opening[0]), at(opening[1])) if opening else None, NOW)
    assert (said.prompt, said.slots.get("day")) == (prompt, day)
    assert UNBUILT.sentence(said.prompt, MIN_DONG, **said.slots)
