"""Log lines: structured, with origin and call id, and personal data only under `pii.` keys."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from tieline.logs import configure_logs, get_logger

pytestmark = pytest.mark.unit

CALL = "0191d2c0-1234-7abc-8123-013812345678"
NUMBER = "+8615405911234"


@pytest.fixture(autouse=True)
def _leave_logging_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


class Log:
    """What was logged, parsed."""

    def __init__(self, **options: Any) -> None:
        self.stream = io.StringIO()
        configure_logs(**{"site": "fuzhou", "process": "agi", "stream": self.stream, **options})

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.stream.getvalue().splitlines()]

    def only(self) -> dict[str, Any]:
        (line,) = self.lines()
        return line


def test_a_line_has_message_fields_and_origin() -> None:
    log = Log()
    get_logger("agi.server").info("call admitted", city="福州", held=12)
    line = log.only()
    assert line.pop("at").endswith("Z")
    assert line == {
        "level": "info",
        "event": "call admitted",
        "city": "福州",
        "held": 12,
        "logger": "agi.server",
        "site": "fuzhou",
        "process": "agi",
    }
    assert log.stream.getvalue().startswith('{"at": "')


def test_personal_fields_are_shown_or_masked_as_told() -> None:
    for show, expected in ((True, NUMBER), (False, "[masked]")):
        log = Log(show_personal=show)
        get_logger("agi").info("call admitted", **{"pii.caller": NUMBER})
        line = log.only()
        assert line["pii.caller"] == expected
        assert "unmarked_number" not in line


@pytest.mark.parametrize(
    "slipped",
    [
        *(NUMBER, "15405911234", "015405911234", "8615405911234", "008615405911234", "0591-87654321", "059187654321"),
        *("8659187654321", "+12025550123", f"sip:{NUMBER}@127.0.24.1", "from 15405911234, again", "(15405911234)"),
        *("0591 87654321", "Local/15405911234@agents", ["x", {"deep": NUMBER}], ValueError(NUMBER), NUMBER.encode()),
    ],
)
def test_a_number_in_an_unmarked_field_is_masked_and_told(slipped: Any) -> None:
    log = Log()
    get_logger("agi").info("call admitted", peer=slipped)
    line = log.only()
    assert line.pop("unmarked_number") is True
    assert line.pop("at")  # its microseconds may hold any four digits
    assert not [part for part in ("540591", "8765", "202555") if part in json.dumps(line)]


@pytest.mark.parametrize(
    "harmless",
    [
        *("fuzhou-1-1795250785.12", "PJSIP/trunk-00000012", "127.0.24.1:5060", "2026-11-21T08:30:00.125Z", CALL[:13]),
        *(
            "95598",
            "1001",
            "a1001",
            "0x1f",
            "-1",
            "1795250785",
            "1795250785123",
            1795250785.12,
            15405911234,
            True,
            None,
        ),
        *("3f2504e0-4f89-41d3-9a0c-0305e82c3301", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    ],
)
def test_what_is_no_number_stays(harmless: Any) -> None:
    log = Log()
    get_logger("agi").info("x", field=harmless, call_id=CALL)
    line = log.only()
    assert line["field"] == harmless
    assert line["call_id"] == CALL, "though its last part looks like a number"
    assert "unmarked_number" not in line


def test_a_call_id_that_is_none_is_not_trusted() -> None:
    log = Log()
    get_logger("agi").info("x", call_id=NUMBER)
    assert log.only()["call_id"] == "[number]"


def test_lines_of_libraries_are_lines_of_ours() -> None:
    log = Log()
    logging.getLogger("aiohttp.server").warning("bad request from %s", NUMBER)
    try:
        int(f"call from {NUMBER}")
    except ValueError:
        logging.getLogger("panoramisk").exception("lost")
    first, second = log.lines()
    assert (first["event"], first["logger"], first["site"]) == (
        "bad request from [number]",
        "aiohttp.server",
        "fuzhou",
    )
    assert second["exception"].startswith("Traceback")
    assert second["exception"].endswith("'call from [number]'")


def test_an_exception_is_logged_with_its_traceback() -> None:
    log = Log()
    try:
        int(f"call from {NUMBER}")
    except ValueError:
        get_logger("agi").exception("script failed")
    assert log.only()["exception"].endswith("'call from [number]'")


def test_the_level_holds_for_libraries_too() -> None:
    log = Log(level="warning")
    get_logger("agi").info("no")
    logging.getLogger("aiohttp").info("no")
    get_logger("agi").warning("yes")
    assert log.only()["event"] == "yes"


def test_for_the_eye_no_value_can_forge_a_line() -> None:
    log = Log(log_format="console", show_personal=True)
    get_logger("agi").info("call admitted", **{"pii.name": "x\r\n2026 [info] forged\x1b[31m"})
    shown = log.stream.getvalue()
    assert shown.count("\n") == 1
    assert "\x1b" not in shown
    assert "\r" not in shown


@given(st.text(max_size=40), st.text(max_size=40))
def test_any_text_gives_one_line_of_json(event: str, value: str) -> None:
    log = Log()
    get_logger("agi").info(event, **{"field": value, "pii.name": value})
    assert set(log.only()) >= {"at", "level", "event", "field", "pii.name"}


def test_configuring_again_replaces_the_first() -> None:
    first, second = Log(), Log()
    get_logger("agi").info("x")
    assert first.lines() == []
    assert second.only()["event"] == "x"
