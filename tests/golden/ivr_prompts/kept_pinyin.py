"""The kept readings: file name, words and pinyin (citation tones, 5 for light syllables) of every Mandarin sound."""

from pathlib import Path


def kept_pinyin() -> dict[str, tuple[str, str]]:
    """Give words and pinyin by the name of the sound file."""
    lines = (Path(__file__).parent / "mandarin_pinyin.tsv").read_text(encoding="utf-8").splitlines()
    rows = (line.split("\t") for line in lines)
    return {name: (text, pinyin) for name, text, pinyin in rows}
