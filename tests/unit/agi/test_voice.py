"""The scripts' catalogue remembers what it has put together, and nothing else changes."""

from pathlib import Path

import pytest

from agi.scripts import voice
from agi.scripts.voice import Remembering, Voice
from ivr_prompts.flow import Ask
from ivr_prompts.menus import load_menus
from ivr_prompts.notice import Notice
from ivr_prompts.waiting import load_waiting
from tests.unit.ivr_prompts.worlds import UNBUILT
from tieline.errors import LocalProtocolError
from tieline.model import MANDARIN, CityId, DialectId, RefusalCause
from tieline.topology_file import load_topology

pytestmark = pytest.mark.unit

MIN_NAN = DialectId("min_nan")
NOW = 1_795_250_000.0
XIAMEN = load_topology(Path(__file__).parents[3] / "examples" / "fujian.toml").cities[CityId("xiamen")]
STORM = Notice(city="xiamen", cause="storm", until=NOW + 600, by="me", since=NOW)


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


@pytest.fixture
def site_voice(catalogue: Remembering) -> Voice:
    return Voice(catalogue, load_menus(catalogue.texts), load_waiting(), Path("/sounds"))


def opening(voice: Voice, remembered: DialectId | None, *notices: Notice) -> list[str]:
    """Give the files of the first question, as far as the first menu."""
    step = voice.flow(XIAMEN, remembered=remembered, notices=notices, now=NOW).start()
    assert isinstance(step, Ask)
    first_menu = next(number for number, file in enumerate(step.files) if "line_" in file or "main_" in file)
    return list(step.files[:first_menu])


def test_on_a_calm_day_the_opening_is_followed_by_the_menu(site_voice: Voice) -> None:
    assert opening(site_voice, None) == ["mandarin/greeting", "mandarin/recording_notice"]


def test_a_notice_is_told_before_the_first_menu(site_voice: Voice) -> None:
    known = opening(site_voice, DialectId("hakka"), STORM)
    assert known[:4] == ["hakka/greeting", "hakka/recording_notice", "hakka/city_xiamen", "hakka/notice-1"]
    assert known[-1] == "hakka/notice_continue"
    both = opening(site_voice, None, STORM)
    assert [file for file in both if file.endswith("city_xiamen")] == ["min_nan/city_xiamen", "mandarin/city_xiamen"]


def test_a_refused_caller_hears_absolute_files(site_voice: Voice) -> None:
    files = site_voice.refusal(XIAMEN, RefusalCause.QUOTA, [STORM], NOW)
    assert files[0] == "/sounds/min_nan/city_xiamen"
    assert files[-1] == "/sounds/mandarin/refuse_danger"
    assert site_voice.refusal(XIAMEN, RefusalCause.PLATFORM, [], NOW)[0] == "/sounds/min_nan/refuse_platform"


def test_in_a_surge_the_short_menu_comes_first_and_the_refusal_says_why(site_voice: Voice) -> None:
    step = site_voice.flow(XIAMEN, remembered=None, notices=[STORM], short=True, now=NOW).start()
    assert isinstance(step, Ask)
    assert step.files.index("mandarin/notice_continue") < step.files.index("mandarin/main_report-1")
    plain = site_voice.refusal(XIAMEN, RefusalCause.QUOTA, [], NOW, instead="refuse_surge")
    assert plain[1] == "/sounds/min_nan/refuse_surge-1"
    with_notice = site_voice.refusal(XIAMEN, RefusalCause.QUOTA, [STORM], NOW, instead="refuse_surge")
    assert not any("refuse_surge" in file for file in with_notice)
