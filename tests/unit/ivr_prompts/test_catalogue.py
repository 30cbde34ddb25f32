"""A sentence is spoken in one voice, in the caller's dialect where it can be."""

from datetime import time

import pytest

from ivr_prompts.texts import DIALECTS
from tests.unit.ivr_prompts.worlds import UNBUILT, catalogue, recorded, synthetic
from tieline.errors import LocalProtocolError
from tieline.model import MANDARIN, DialectId

pytestmark = pytest.mark.unit

MIN_NAN = DialectId("min_nan")


def dialects_of(files: tuple[str, ...]) -> set[str]:
    return {file.split("/")[0] for file in files}


def test_a_sentence_with_slots() -> None:
    files = UNBUILT.sentence("notice", MIN_NAN, place="county_changle", cause="storm", day="1", clock=time(15, 15))
    assert files == (
        "min_nan/county_changle", "min_nan/notice-1", "min_nan/cause_storm", "min_nan/notice-2", "min_nan/day_1",
        "min_nan/period_afternoon", "min_nan/hour_3", "min_nan/shi_1", "min_nan/num_5", "min_nan/minute",
        "min_nan/notice-3",
    )  # fmt: skip


def test_digits_are_read_one_by_one_with_yao() -> None:
    assert UNBUILT.sentence("ticket_number", MANDARIN, digits="2011") == (
        "mandarin/ticket_number-1", "mandarin/num_2", "mandarin/num_0", "mandarin/yao", "mandarin/yao",
    )  # fmt: skip


@pytest.mark.parametrize("missing", ["position-1", "shi_1", "num_2", "position-2"])
def test_one_missing_file_makes_the_whole_sentence_mandarin(missing: str) -> None:
    sounds = recorded(synthetic(), MIN_NAN)
    assert dialects_of(catalogue(sounds).sentence("position", MIN_NAN, count=12)) == {"min_nan"}
    del sounds[f"min_nan/{missing}"]
    files = catalogue(sounds).sentence("position", MIN_NAN, count=12)
    assert files == ("mandarin/position-1", "mandarin/shi_1", "mandarin/num_2", "mandarin/position-2")


def test_a_missing_fragment_does_not_touch_sentences_without_it() -> None:
    sounds = recorded(synthetic(), MIN_NAN)
    del sounds["min_nan/num_7"]
    known = catalogue(sounds)
    assert dialects_of(known.sentence("position", MIN_NAN, count=7)) == {"mandarin"}
    assert dialects_of(known.sentence("position", MIN_NAN, count=6)) == {"min_nan"}


def test_recordings_and_stand_ins_are_not_mixed() -> None:
    sounds = recorded(synthetic(), MIN_NAN, "position-1", "position-2")
    assert dialects_of(catalogue(sounds).sentence("position", MIN_NAN, count=3)) == {"mandarin"}
    sounds = recorded(sounds, MIN_NAN, "num_3")
    assert dialects_of(catalogue(sounds).sentence("position", MIN_NAN, count=3)) == {"min_nan"}


def test_stand_ins_are_played_only_while_mandarin_is_synthetic_too() -> None:
    assert dialects_of(catalogue(synthetic()).sentence("greeting", MIN_NAN)) == {"min_nan"}
    sounds = recorded(synthetic(), MANDARIN)
    assert dialects_of(catalogue(sounds).sentence("greeting", MIN_NAN)) == {"mandarin"}


def test_a_dialect_without_prompts_hears_mandarin() -> None:
    assert dialects_of(UNBUILT.sentence("greeting", DialectId("gan"))) == {"mandarin"}
    assert dialects_of(UNBUILT.sentence("dialect_line_hakka", MIN_NAN, digit="3")) == {"mandarin"}


@pytest.mark.parametrize(
    ("prompt", "slots", "what"),
    [
        ("greetings", {}, "no prompt greetings"),
        ("position", {}, "prompt position has slots ['count'], not []"),
        ("greeting", {"count": 1}, "prompt greeting has slots [], not ['count']"),
        ("position", {"count": 10_000}, "slot count of prompt position: 10000 is not within 0 to 9999"),
        ("position", {"count": "3"}, "slot count of prompt position: '3' is not a whole number"),
        ("refuse_quota", {"city": "atlantis"}, "slot city of prompt refuse_quota: no city 'atlantis'"),
        (
            "refuse_notice_later",
            {"place": "num_3", "cause": "storm", "day": "1"},
            "slot place of prompt refuse_notice_later: no place 'num_3'",
        ),
        (
            "refuse_notice_later",
            {"place": "city_fuzhou", "cause": "magic", "day": "1"},
            "slot cause of prompt refuse_notice_later: no cause 'magic'",
        ),
        ("ticket_number", {"digits": "3a"}, "slot digits of prompt ticket_number: 'a' is not a digit"),
        ("callback_offer", {"digit": "12"}, "slot digit of prompt callback_offer: '12' is not a digit"),
    ],
)
def test_what_cannot_be_said_is_our_bug(prompt: str, slots: dict[str, int | str], what: str) -> None:
    with pytest.raises(LocalProtocolError) as caught:
        UNBUILT.sentence(prompt, MANDARIN, **slots)
    assert str(caught.value) == what


def test_a_slot_value_that_is_no_clock_time_is_refused() -> None:
    with pytest.raises(LocalProtocolError, match="slot clock of prompt refuse_notice"):
        UNBUILT.sentence("refuse_notice", MANDARIN, place="county_changle", cause="storm", clock="25:00")


def test_every_dialect_has_every_piece_that_sentences_ask_for() -> None:
    known = catalogue(synthetic())
    for dialect in DIALECTS:
        assert dialects_of(known.sentence("expected_wait", dialect, minutes=2134)) == {dialect}
