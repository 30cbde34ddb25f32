"""Shares as an admin types them."""

import pytest

from trunk_config.change import Share
from trunk_config.shares import read_shares

pytestmark = pytest.mark.unit


def test_several_cities_in_any_order_of_options() -> None:
    words = ["putian", "--reserve", "17", "--cap", "60", "ningde", "--cap=50", "fuzhou", "--reserve", "-1"]
    assert read_shares(words) == (
        {"putian": Share(17, 60), "ningde": Share(None, 50), "fuzhou": Share(-1)},
        [],
    )
    assert read_shares([]) == ({}, [])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--reserve 1 putian --cap 2", "--reserve: stands before the first city"),
        ("putian --reserve many", "city putian --reserve: 'many' is no whole number"),
        ("putian --reserve", "city putian --reserve: '' is no whole number"),
        ("putian --reserve 1.5", "'1.5' is no whole number"),
        ("putian --cap " + "9" * 31, "is no whole number"),
        ("putian --cap ١", "is no whole number"),
        ("putian --most 3", "--most: unknown option"),
        ("putian --cap 1 putian --cap 2", "city putian: named twice"),
    ],
)
def test_what_cannot_be_read_is_told(words: str, said: str) -> None:
    _, problems = read_shares(words.split())
    assert [said in str(problem) for problem in problems] == [True]


def test_every_fault_is_told() -> None:
    _, problems = read_shares(["putian", "--cap", "x", "--most", "3", "ningde", "--reserve", "y"])
    assert len(problems) == 3
