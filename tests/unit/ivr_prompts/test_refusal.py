"""What a refused caller hears, and that it never lasts more than 15 s."""

import msgspec
import pytest

from ivr_prompts.notice import Notice
from ivr_prompts.refusal import LONGEST_MS, REASONS, check_refusals, reason_prompts, refusal_files
from ivr_prompts.texts import DIALECTS
from tests.unit.ivr_prompts.worlds import UNBUILT, catalogue, synthetic
from tieline.model import MANDARIN, CityId, DialectId, RefusalCause

pytestmark = pytest.mark.unit

PUTIAN = CityId("putian")
SPOKEN = (MANDARIN, DialectId("puxian"), DialectId("min_nan"))
STORM = Notice(city="putian", cause="storm", until=1_795_257_000.0, by="me", since=1_795_250_000.0)


def said(notices: tuple[Notice, ...] = (), prompt: str = "refuse_quota") -> tuple[str, ...]:
    return refusal_files(UNBUILT, city=PUTIAN, dialects=SPOKEN, prompt=prompt, notices=notices, now=1_795_250_000.0)


def test_without_a_notice_the_lines_are_full() -> None:
    assert said() == (
        "puxian/city_putian", "puxian/refuse_quota-1", "mandarin/city_putian", "mandarin/refuse_quota-1",
        "mandarin/refuse_danger",
    )  # fmt: skip
    assert said(prompt=REASONS[RefusalCause.PLATFORM])[0] == "puxian/refuse_platform"


def test_with_a_notice_it_is_told_what_is_known_of_the_most_important_one() -> None:
    county = msgspec.structs.replace(STORM, county="xiuyu")
    files = said((STORM, county))
    assert "puxian/city_putian" in files
    assert "puxian/cause_storm" in files
    assert not any("county" in file or "refuse_quota" in file for file in files)
    assert files[-1] == "mandarin/refuse_danger"


def test_every_reason_is_known_to_the_check() -> None:
    assert set(REASONS.values()) <= set(reason_prompts(UNBUILT.texts))
    assert "refuse_danger" not in reason_prompts(UNBUILT.texts)


def test_messages_that_fit_are_no_problem() -> None:
    assert list(check_refusals(catalogue(synthetic()))) == []
    assert list(check_refusals(catalogue({}))) == []


@pytest.mark.parametrize(
    ("slow", "prompts"),
    [
        ("county_gulou", {"refuse_notice", "refuse_notice_later"}),
        ("city_putian", {"refuse_notice", "refuse_notice_later", "refuse_quota"}),
        ("cause_ice", {"refuse_notice", "refuse_notice_later"}),
        ("day_wed", {"refuse_notice_later"}),
        ("half", {"refuse_notice"}),
        ("refuse_platform", {"refuse_platform"}),
    ],
)
def test_one_sound_that_is_too_long_is_found_in_every_message_with_it(slow: str, prompts: set[str]) -> None:
    sounds = synthetic()
    sounds[f"hakka/{slow}"] = msgspec.structs.replace(sounds[f"hakka/{slow}"], duration_ms=LONGEST_MS)
    problems = [problem.what for problem in check_refusals(catalogue(sounds))]
    assert {what.split()[3] for what in problems} >= prompts
    assert all("in hakka, allowed are 15000" in what for what in problems)


@pytest.mark.parametrize(("each_ms", "too_long"), [(7250, 0), (7251, len(DIALECTS) - 1)])
def test_both_languages_and_the_danger_line_count(each_ms: int, too_long: int) -> None:
    sounds = synthetic()  # each of its sounds lasts 500 ms
    for dialect in DIALECTS:
        name = f"{dialect}/refuse_platform"
        sounds[name] = msgspec.structs.replace(sounds[name], duration_ms=each_ms)
    problems = list(check_refusals(catalogue(sounds)))
    assert len(problems) == too_long
    assert all("lasts 15002 ms" in problem.what for problem in problems)
