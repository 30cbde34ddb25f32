"""The scripts' catalogue remembers what it has put together, and nothing else changes."""

import pytest

from agi.scripts import voice
from agi.scripts.voice import Remembering
from tests.unit.ivr_prompts.worlds import UNBUILT
from tieline.errors import LocalProtocolError
from tieline.model import MANDARIN, DialectId

pytestmark = pytest.mark.unit

MIN_NAN = DialectId("min_nan")


@pytest.fixture
def catalogue() -> Remembering:
    return Remembering(UNBUILT.texts, UNBUILT.grammars, UNBUILT.sounds)


def test_a_sentence_is_put_together_once(catalogue: Remembering) -> None:
    first = catalogue.sentence("position", MIN_NAN, count=12)
    assert first == UNBUILT.sentence("position", MIN_NAN, count=12)
    assert catalogue.sentence("position", MIN_NAN, count=12) is first


def test_other_slots_and_dialects_are_other_sentences(catalogue: Remembering) -> None:
    catalogue.sentence("position", MIN_NAN, count=12)
    for dialect, count in ((MIN_NAN, 13), (MANDARIN, 12)):
        assert catalogue.sentence("position", dialect, count=count) == UNBUILT.sentence(
            "position", dialect, count=count
        )


def test_what_cannot_be_said_is_refused_each_time(catalogue: Remembering) -> None:
    for _ in range(2):
        with pytest.raises(LocalProtocolError):
            catalogue.sentence("position", MANDARIN)


def test_it_does_not_grow_for_ever(catalogue: Remembering, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(voice, "SENTENCES_KEPT", 3)
    for count in range(1, 9):
        catalogue.sentence("position", MANDARIN, count=count)
    assert len(catalogue.known) <= 3
