"""What waiting callers are told, and the file of its rules."""

from dataclasses import replace
from pathlib import Path

import pytest

from ivr_prompts.texts import DIALECTS
from ivr_prompts.waiting import WaitingRules, load_waiting
from tests.unit.ivr_prompts.worlds import UNBUILT
from tieline.errors import ConfigError

pytestmark = pytest.mark.unit

RULES = WaitingRules(first_s=20, every_s=45, longest_min=30, digit="1")


def told(ahead: int | None, wait_s: float | None, *, callback: bool = False) -> list[str]:
    """Say it in every dialect; give it in short."""
    sentences = list(RULES.sentences(ahead, wait_s, callback=callback))
    for dialect in DIALECTS:
        for prompt, slots in sentences:
            assert UNBUILT.sentence(prompt, dialect, **slots)
    return [" ".join((prompt, *map(str, slots.values()))) for prompt, slots in sentences]


@pytest.mark.parametrize(
    ("ahead", "wait_s", "words"),
    [
        (0, 0.0, ["position_next", "expected_wait 1"]),
        (1, 60.0, ["position 1", "expected_wait 1"]),
        (12, 61.0, ["position 12", "expected_wait 2"]),
        (40, 1800.0, ["position 40", "expected_wait 30"]),
        (41, 1801.0, ["position 41", "expected_wait_long"]),
        (3, None, ["position 3", "expected_wait_long"]),
        (20_000, 9e6, ["position 9999", "expected_wait_long"]),
        (None, None, ["all_busy"]),
    ],
)
def test_position_and_minutes(ahead: int | None, wait_s: float | None, words: list[str]) -> None:
    assert told(ahead, wait_s) == words


def test_who_can_be_called_back_is_told_the_key() -> None:
    assert told(1, 60.0, callback=True)[-1] == "callback_offer 1"
    assert list(replace(RULES, digit="3").sentences(None, None, callback=True))[-1].slots == {"digit": "3"}


def test_the_shipped_rules_are_good_and_faulty_ones_are_refused_whole(tmp_path: Path) -> None:
    assert load_waiting().first_s == 20
    path = tmp_path / "waiting.toml"
    path.write_text('first_s = 0\nevery_s = 5\nlongest_min = 30\ndigit = "0"\nvolume = 11\n')
    with pytest.raises(ConfigError) as caught:
        load_waiting(path)
    assert [problem.where for problem in caught.value.problems] == [
        "waiting.toml:1 first_s",
        "waiting.toml:2 every_s",
        "waiting.toml:4 digit",
        "waiting.toml:5 volume",
    ]
