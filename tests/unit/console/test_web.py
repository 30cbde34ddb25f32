"""The page's own files: nothing from elsewhere, every word in both languages."""

import re
from pathlib import Path

import pytest

import console.views
from tieline.model import AgentState, Business, NumberState

pytestmark = pytest.mark.unit

WEB = Path(console.views.__file__).parent / "web"
FILES = sorted(WEB.iterdir())


def words() -> dict[str, set[str]]:
    """Read the words of each language."""
    text = (WEB / "words.js").read_text()
    found = dict(re.findall(r"^  (zh|en): \{(.*?)^  \},", text, re.MULTILINE | re.DOTALL))
    return {language: set(re.findall(r"(?:^|[\s,])([A-Za-z_]+): \"", body)) for language, body in found.items()}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_nothing_is_loaded_from_elsewhere_and_nothing_is_inline(path: Path) -> None:
    text = path.read_text().replace("http://www.w3.org/2000/svg", "")
    assert not re.search(r"https?://", text)
    assert "innerHTML" not in text
    assert not re.search(r"<script(?! src)|<style|\son[a-z]+=\"|\sstyle=\"", text)


def test_both_languages_have_the_same_words() -> None:
    assert words()["zh"] == words()["en"]
    assert len(words()["zh"]) > 50


def test_every_word_that_is_used_is_there() -> None:
    page = (WEB / "index.html").read_text()
    scripts = "".join(path.read_text() for path in FILES if path.suffix == ".js")
    used = set(re.findall(r'data-word="(\w+)"', page)) | set(re.findall(r'word\("(\w+)"\)', scripts))
    states = {value for name, value in vars(console.views.CallState).items() if name.isupper()}
    closed = states | set(Business) | set(NumberState) - {"shown"} | {"agent_ready", "agent_talking"}
    closed |= set(AgentState) - {"ready", "talking"}
    assert used | closed <= words()["zh"]


def test_the_page_knows_every_state_of_a_call() -> None:
    listed = re.search(r"const STATES = \[(.*?)\]", (WEB / "model.js").read_text())
    assert listed
    states = {value for name, value in vars(console.views.CallState).items() if name.isupper()}
    assert set(re.findall(r'"(\w+)"', listed[1])) == states
