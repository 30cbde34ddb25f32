"""espeak-ng says what the catalogue means: its phonemes against the kept pinyin."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from ivr_prompts.texts import load_texts
from ivr_prompts.tools import ToolRunner
from ivr_prompts.voice import phonemes
from tests.component.ivr_prompts.spoken import pattern, plain
from tests.golden.ivr_prompts.kept_pinyin import kept_pinyin
from tieline.model import MANDARIN

pytestmark = pytest.mark.component


def says(spoken: str, pinyin: str) -> bool:
    return re.fullmatch(pattern(pinyin), plain(spoken)) is not None


def test_every_mandarin_sound_is_spoken_as_it_is_to_be_read(tools: ToolRunner) -> None:
    pieces = load_texts().pieces(MANDARIN)
    with ThreadPoolExecutor(2) as pool:
        spoken = dict(
            zip(pieces, pool.map(lambda piece: phonemes(tools, piece.say or ""), pieces.values()), strict=True)
        )
    kept = kept_pinyin()
    wrong = {name: (*kept[name], spoken[name]) for name in pieces if not says(spoken[name], kept[name][1])}
    assert wrong == {}


@pytest.mark.parametrize(
    ("text", "pinyin"),
    [
        ("重听", "chong2 ting1"),  # polyphonic: the voice takes the other reading
        ("闽侯", "min3 hou4"),  # a place with a reading of its own
        ("长乐abc", "chang2 le4"),  # letters are spelled out in English
        ("银行", "yin2 xing2"),
        ("两位", "liang4 wei4"),
        ("您好", "nin2"),
    ],
)
def test_misreadings_are_noticed(tools: ToolRunner, text: str, pinyin: str) -> None:
    assert not says(phonemes(tools, text), pinyin)
