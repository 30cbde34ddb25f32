"""Sentences as they are put together from files, and what they then say."""

from pathlib import Path

import pytest

from ivr_prompts.catalogue import SlotValue, load_catalogue
from tieline.model import MANDARIN, DialectId

pytestmark = pytest.mark.golden

CATALOGUE = load_catalogue(None)

SENTENCES: list[tuple[str, str, dict[str, SlotValue]]] = [
    ("greeting", "mandarin", {}),
    ("greeting", "puxian", {}),
    ("dialect_line_min_dong", "min_dong", {"digit": "2"}),
    ("dialect_line_min_dong", "hakka", {"digit": "2"}),
    ("main_repair", "min_nan", {"digit": "1"}),
    ("position", "mandarin", {"count": 1}),
    ("position", "mandarin", {"count": 2}),
    ("position", "mandarin", {"count": 12}),
    ("position", "mandarin", {"count": 110}),
    ("position", "hakka", {"count": 205}),
    ("expected_wait", "mandarin", {"minutes": 2}),
    ("expected_wait", "min_bei", {"minutes": 45}),
    ("callback_offer", "mandarin", {"digit": "1"}),
    ("agent_number", "mandarin", {"digits": "1012"}),
    ("ticket_number", "mandarin", {"digits": "95598110"}),
    ("refuse_quota", "mandarin", {"city": "quanzhou"}),
    ("refuse_surge", "min_nan", {"city": "quanzhou"}),
    ("main_report", "min_dong", {"city": "fuzhou", "digit": "1"}),
    ("out_of_hours", "mandarin", {"day": "1", "from": "08:00", "until": "22:00"}),
    ("closed_callback", "mandarin", {"digit": "2"}),
    ("notice", "mandarin", {"place": "county_changle", "cause": "storm", "day": "0", "clock": "15:30"}),
    ("notice", "min_nan", {"place": "county_jinjiang", "cause": "damage", "day": "1", "clock": "00:00"}),
    ("notice", "hakka", {"place": "city_longyan", "cause": "flood", "day": "sun", "clock": "06:30"}),
    ("refuse_notice", "mandarin", {"place": "county_minhou", "cause": "planned", "clock": "18:00"}),
    ("refuse_notice_later", "puxian", {"place": "city_putian", "cause": "typhoon", "day": "2"}),
]


def rendered() -> str:
    texts = {dialect: CATALOGUE.texts.pieces(DialectId(dialect)) for dialect in CATALOGUE.grammars}
    lines: list[str] = []
    for prompt, dialect, slots in SENTENCES:
        files = CATALOGUE.sentence(prompt, DialectId(dialect), **slots)
        words = "".join(texts[DialectId(file.split("/")[0])][file.split("/")[1]].text for file in files)
        values = " ".join(f"{name}={value}" for name, value in slots.items())
        lines += [f"{prompt} {dialect} {values}".rstrip(), *(f"    {file}" for file in files), f"    = {words}", ""]
    return "\n".join(lines)


def test_sentences() -> None:
    assert rendered() == (Path(__file__).parent / "sentences.txt").read_text(encoding="utf-8")


def test_every_prompt_with_slots_is_among_them() -> None:
    with_slots = {prompt.id for prompt in CATALOGUE.texts.prompts.values() if prompt.slots}
    plain = {name for name in with_slots if name.startswith(("main_", "dialect_line_", "key_"))}
    assert with_slots - plain - {prompt for prompt, _, _ in SENTENCES} == set()


def test_mandarin_is_the_first_dialect() -> None:
    assert next(iter(CATALOGUE.grammars)) == MANDARIN
