"""The line index agrees with tomllib about what there is, and with the text about where."""

import string
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tieline.toml_lines import KeyPath, line_index

pytestmark = pytest.mark.unit

EVERYTHING = """\
title = "x"  # first
"quoted key" = 'a # "b'
a.b.c = 1
text = \"\"\"
[not.a.table]
key = "no" \\\"\"\"
\"\"\"
raw = '''
also = 'no'
'''
list = [
    1,
    # between
    [2, 3],
    { x = 1, y = [
        "last",
    ] },
]
empty = [ ]
none = {}
when = 2026-11-21T08:30:00Z

[table]
k = true
[table.sub]
k = "]"

[[city]]
id = "one"
[city.caps]
here = 1
[[city.trunk]]
n = 1
[[city.trunk]]
n = 2
[[city]]
id = "two"
[[city.trunk]]
n = 3
"""


def _paths(value: Any, path: KeyPath = ()) -> set[KeyPath]:
    found = {path}
    if isinstance(value, dict):
        for key, part in value.items():
            found |= _paths(part, (*path, key))
    elif isinstance(value, list):
        for index, part in enumerate(value):
            found |= _paths(part, (*path, index))
    return found


def test_every_key_has_its_line() -> None:
    lines = line_index(EVERYTHING)
    assert set(lines) == _paths(tomllib.loads(EVERYTHING))
    assert lines["title",] == 1
    assert lines["quoted key",] == 2
    assert lines["a", "b", "c"] == 3
    assert lines["text",] == 4
    assert lines["raw",] == 8
    assert [lines["list", index] for index in range(3)] == [12, 14, 15]
    assert lines["list", 2, "y", 0] == 16
    assert lines["table", "sub", "k"] == 26
    assert lines["city", 0, "caps", "here"] == 31
    assert lines["city", 0, "trunk", 1, "n"] == 35
    assert lines["city", 1, "id"] == 37
    assert lines["city", 1, "trunk", 0, "n"] == 39


def test_the_examples_have_every_key() -> None:
    for name in ("fujian.toml", "agents.toml"):
        text = (Path(__file__).parents[3] / "examples" / name).read_text()
        assert set(line_index(text)) == _paths(tomllib.loads(text))


@given(st.text(alphabet=string.printable + "福\0", max_size=200))
def test_never_raises_nor_hangs(text: str) -> None:
    assert line_index(text)[()] == 1


_keys = st.text(alphabet=string.ascii_lowercase, min_size=1, max_size=3)
_values = st.recursive(
    st.integers(0, 9) | st.booleans() | st.text(alphabet="a#[]{}=,.'福 ", max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_keys, inner, max_size=3),
    max_leaves=8,
)


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, list):
        return "[\n" + ",\n".join(map(_written, value)) + "]"
    return "{" + ", ".join(f"{key} = {_written(part)}" for key, part in value.items()) + "}"


@given(st.dictionaries(_keys, _values, max_size=4))
def test_finds_the_keys_that_tomllib_finds(document: dict[str, Any]) -> None:
    text = "".join(f"{key} = {_written(value)}\n" for key, value in document.items())
    assert set(line_index(text)) == _paths(tomllib.loads(text))
