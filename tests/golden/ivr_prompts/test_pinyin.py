"""How each Mandarin sentence is to be read. The kept list was read by a human; pypinyin is the second opinion."""

import re

import pypinyin
import pytest

from ivr_prompts.pattern import spoken_digits
from ivr_prompts.texts import load_texts
from tests.golden.ivr_prompts.kept_pinyin import kept_pinyin
from tieline.model import MANDARIN

pytestmark = pytest.mark.golden

PYPINYIN_IS_WRONG = {
    "长泰": "chang2 tai4",
    "马尾": "ma3 wei3",
    "闽侯": "min3 hou4",
    "重听": "chong2 ting1",
    "时间较长": "shi2 jian1 jiao4 chang2",
    "早上": "zao3 shang5",
    "晚上": "wan3 shang5",
    "前面": "qian2 mian5",
    "部分": "bu4 fen5",
    "对不起": "dui4 bu5 qi3",
}
"""Readings that were looked up: place names as their people say them, 重 and 长 by sense, light syllables."""


def second_opinion(text: str) -> str:
    syllables: list[str] = []
    for words in re.findall(r"[\u4e00-\u9fff]+", spoken_digits(text)):
        for part in re.split("(" + "|".join(PYPINYIN_IS_WRONG) + ")", words):
            if part in PYPINYIN_IS_WRONG:
                syllables.append(PYPINYIN_IS_WRONG[part])
            elif part:
                style = pypinyin.Style.TONE3
                syllables += pypinyin.lazy_pinyin(part, style=style, neutral_tone_with_five=True, v_to_u=False)
    return " ".join(syllables)


def test_every_sentence_of_the_catalogue_is_in_the_list() -> None:
    pieces = load_texts().pieces(MANDARIN)
    assert {name: text for name, (text, _) in kept_pinyin().items()} == {
        piece.id: piece.text for piece in pieces.values()
    }


def test_the_list_and_pypinyin_agree() -> None:
    differing = {
        name: (pinyin, second_opinion(text))
        for name, (text, pinyin) in kept_pinyin().items()
        if pinyin != second_opinion(text)
    }
    assert differing == {}


@pytest.mark.parametrize(
    ("name", "pinyin"),
    [
        ("greeting", "nin2 hao3 guo2 jia1 dian4 wang3 jiu3 wu3 wu3 jiu3 ba1 wei4 nin2 fu2 wu4"),
        ("county_changle", "chang2 le4"),
        ("county_changting", "chang2 ting1"),
        ("key_repeat-1", "chong2 ting1 qing3 an4"),
        ("expected_wait-1", "yu4 ji4 hai2 xu1 deng3 dai4"),
    ],
)
def test_readings_that_are_easily_wrong(name: str, pinyin: str) -> None:
    assert kept_pinyin()[name][1] == pinyin
