"""Sentences with slots as text."""

import pytest

from ivr_prompts.pattern import Slot, SlotKind, parse_pattern, spoken_digits

pytestmark = pytest.mark.unit


def test_splits_words_and_slots() -> None:
    assert parse_pattern("前面还有{count}位。") == ("前面还有", Slot("count", SlotKind.COUNT), "位。")


def test_two_slots_of_one_kind_have_names() -> None:
    parts = parse_pattern("每天{from:clock}至{until:clock}。")
    assert parts == ("每天", Slot("from", SlotKind.CLOCK), "至", Slot("until", SlotKind.CLOCK))


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (
            "第{spot}位",
            "slot kind 'spot' is not one of count, minutes, clock, digits, digit, county, city, place, cause, day",
        ),
        ("第{count位", "a brace that belongs to no slot in '第{count位'"),
        ("第count}位", "a brace that belongs to no slot in '第count}位'"),
        ("{count}和{count}", "a slot name is used twice in '{count}和{count}'"),
    ],
)
def test_refuses_what_is_no_sentence(text: str, what: str) -> None:
    with pytest.raises(ValueError) as caught:
        parse_pattern(text)
    assert str(caught.value) == what


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("国家电网95598", "国家电网九五五九八"),
        ("拨打110或119", "拨打幺幺零或幺幺九"),
        ("满意，请按1", "满意，请按一"),
        ("无数字", "无数字"),
    ],
)
def test_digits_are_read_one_by_one(text: str, spoken: str) -> None:
    assert spoken_digits(text) == spoken
