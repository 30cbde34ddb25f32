"""The quick way to read headers and the careful one agree, and both refuse what a caller could forge."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agi import parse
from agi.errors import AgiProtocolError, Fault
from agi.parse import Limits, parse_headers
from bench.agi_load import HEADERS

pytestmark = pytest.mark.unit

BLOCK = HEADERS[:-2]
"""22 headers in Asterisk's order and one argument."""


@given(st.lists(st.text(st.characters(exclude_characters="\n\0", exclude_categories=["Cs"]), max_size=9), max_size=4))
def test_both_ways_agree(arguments: list[str]) -> None:
    lines = [*BLOCK.decode().split("\n")[:-1], *(f"agi_arg_{n}: {value}" for n, value in enumerate(arguments, 1))]
    quick = parse_headers("\n".join(lines).encode(), Limits())
    assert quick == parse._parse_unusual(lines)
    assert list(quick[0].values())[22:] == arguments


def test_the_usual_block_is_read_the_quick_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parse, "_parse_unusual", None)
    headers, hangup = parse_headers(BLOCK, Limits())
    assert len(headers) == 23
    assert headers["agi_calleridname"] == "林秀英"
    assert hangup is False


@pytest.mark.parametrize(
    ("block", "fault"),
    [
        (BLOCK.replace(b"agi_arg_1", b"agi_arg_2"), Fault.BAD_HEADER),
        (BLOCK + b"\nagi_arg_1: again", Fault.BAD_HEADER),
        (BLOCK + b"\nagi_accountcode: forged", Fault.BAD_HEADER),
        (BLOCK.replace(b"059187654321", b"1\nagi_accountcode: forged"), Fault.BAD_HEADER),
        (BLOCK.replace(b"059187654321", b"1\nagi_arg_1: forged"), Fault.BAD_HEADER),
        (BLOCK.replace(b"059187654321", b"1\nagi_arg_2: forged"), Fault.BAD_HEADER),
        (BLOCK + b"".join(b"\nagi_arg_%d: x" % n for n in range(2, 200)), Fault.TOO_MANY_HEADERS),
    ],
)
def test_forgeries_are_refused(block: bytes, fault: Fault) -> None:
    with pytest.raises(AgiProtocolError) as caught:
        parse_headers(block, Limits())
    assert caught.value.fault is fault


def test_a_line_feed_in_a_value_stays_there() -> None:
    headers, _ = parse_headers(BLOCK.replace(b"059187654321", b"1\nHANGUP!\n: x"), Limits())
    assert headers["agi_callerid"] == "1\nHANGUP!\n: x"
    assert headers["agi_arg_1"] == "fuzhou"
