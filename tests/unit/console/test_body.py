"""Bodies of requests: what is right is read, what is wrong is told whole."""

import json

import pytest

from console.body import TOLD_AT_MOST, Unreadable, read_body
from console.schemas import SharesAsked, UndoAsked
from tieline.model import CityId
from trunk_config.change import Share

pytestmark = pytest.mark.unit


def faults(raw: bytes, form: type = SharesAsked) -> dict[str, str]:
    """Give what is wrong by place."""
    with pytest.raises(Unreadable) as refused:
        read_body(raw, form)
    assert all(problem.mend for problem in refused.value.problems)
    return {problem.where: problem.what for problem in refused.value.problems}


def test_what_is_right_is_read() -> None:
    read = read_body(b'{"base": 3, "why": "wind", "cities": {"putian": {"reserve": 24}}, "until": 17}', SharesAsked)
    assert read == SharesAsked(base=3, why="wind", cities={CityId("putian"): Share(reserve=24)}, until=17.0)


@pytest.mark.parametrize("raw", [b"", b"nonsense", b"\xff", b"[]", b"7", b'{"base": 1', b'{"base": "\xff"}'])
def test_what_is_no_object_has_one_fault(raw: bytes) -> None:
    assert list(faults(raw)) == ["body"]


def test_every_fault_is_told_with_its_place() -> None:
    body = {
        "base": "x",
        "cities": {"putian": {"reserve": 1.5, "cap": []}, "ningde": 7, "sanming": {"cap": 9}},
        "until": {},
        "untill": "+8h",
        "confirmed": "yes",
    }
    assert faults(json.dumps(body).encode()) == {
        "base": "Expected `int`, got `str`",
        "why": "is missing",
        "confirmed": "Expected `bool`, got `str`",
        "cities.putian.reserve": "Expected `int | null`, got `float`",
        "cities.putian.cap": "Expected `int | null`, got `array`",
        "cities.ningde": "Expected `object`, got `int`",
        "until": "Expected `float | str | null`, got `object`",
        "untill": "unknown field",
    }


def test_a_number_that_no_machine_holds_is_a_fault_of_the_body_or_of_its_field() -> None:
    assert list(faults(b'{"why": "x", "to": 1, "base": ' + b"9" * 5000 + b"}", UndoAsked)) in (["base"], ["body"])


def test_names_from_outside_are_shortened_and_printable_and_not_without_end() -> None:
    names = {f"\x00{number}" + "x" * 90: 1 for number in range(3 * TOLD_AT_MOST)}
    told = faults(json.dumps({"base": 1, "why": "x", "cities": {}, **names}).encode())
    assert len(told) == TOLD_AT_MOST
    assert all(len(where) == 40 and where.isprintable() for where in told)
