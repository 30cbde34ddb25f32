"""Faulty menus and texts: every problem at once, with line, reason and how to mend it, word for word."""

from pathlib import Path

import pytest

from ivr_prompts.grammar import load_grammars
from ivr_prompts.menus import load_menus
from ivr_prompts.texts import DATA, load_texts
from tieline.errors import ConfigError

pytestmark = pytest.mark.golden

HERE = Path(__file__).parent
MENUS = sorted((HERE / "bad_menus").glob("*.toml"))


def told(error: ConfigError) -> str:
    return "".join(f"{problem}\n" for problem in error.problems)


@pytest.mark.parametrize("path", MENUS, ids=[path.stem for path in MENUS])
def test_bad_menus(path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load_menus(load_texts(), path)
    assert told(caught.value) == path.with_suffix(".txt").read_text(encoding="utf-8")


def test_bad_texts() -> None:
    with pytest.raises(ConfigError) as caught:
        load_texts(HERE / "bad_texts")
    assert told(caught.value) == (HERE / "bad_texts" / "problems.txt").read_text(encoding="utf-8")


def test_bad_grammar(tmp_path: Path) -> None:
    shipped = (DATA / "grammar.toml").read_text(encoding="utf-8")
    (tmp_path / "grammar.toml").write_text(
        shipped.replace('order = ["period", "hour", "minutes"]', 'order = ["hour", "minutes"]')
        .replace("from_hour = 5", "from_hour = 0")
        .replace('counted_two = "liang"', 'counted_two = "pair"')
        .replace("{ value = 100,", "{ value = 10,")
        .replace('"yao", ', "")
        + '\n[digits.klingon]\nfragments = ["num_0"]\n'
    )
    with pytest.raises(ConfigError) as caught:
        load_grammars(load_texts(), tmp_path)
    assert told(caught.value) == (HERE / "bad_grammar.txt").read_text(encoding="utf-8")


def test_the_shipped_files_are_good() -> None:
    texts = load_texts()
    load_menus(texts)
    load_grammars(texts)
