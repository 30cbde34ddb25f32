"""Structured logs: a static message and fields, one line each, as JSON or for the eye.

What is personal (callers' numbers and names, digits they press, recordings) stands only under keys that begin with
`pii.`, so that whoever ships logs can drop or mask it by key. A number that slips into another field is masked and
the line gets `unmarked_number: true`, which is a bug to be mended where the line is written.
"""

import json
import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from functools import partial
from typing import Any, Final, TextIO

import structlog

from tieline.model import is_call_id

PERSONAL: Final = "pii."
MASK: Final = "[masked]"
NUMBER_MASK: Final = "[number]"

_NUMBER: Final = re.compile(
    r"(?<![0-9A-Za-z.])(?:"
    r"\+[0-9]{7,15}"  # E.164
    r"|(?:0|86|0086)?1[3-9][0-9]{9}"  # mobile
    r"|(?:86|0086)?0[1-9][0-9]{1,2}[- ]?[0-9]{7,8}"  # fixed line with its area code
    r"|(?:86|0086)59[1-9][0-9]{7,8}"  # the same, Fujian, without the 0
    r")(?![0-9A-Za-z.])",
    re.ASCII,
)
_FIRST: Final = ("at", "level", "event")
_MANY_LINES: Final = frozenset(("exception", "stack"))

EventDict = MutableMapping[str, Any]


def configure_logs(
    *,
    level: str = "info",
    log_format: str = "json",
    show_personal: bool = True,
    site: str = "",
    process: str = "",
    stream: TextIO | None = None,
) -> None:
    """Set up logging for this process, libraries' own log lines included. May be called again.

    Args:
        level: debug, info, warning or error.
        log_format: `json` (one object a line) or `console`.
        show_personal: False masks the values of all `pii.*` fields.
        site: Put on each line.
        process: Which of the site's processes this is; put on each line.
        stream: Where to; standard error unless told otherwise.
    """
    origin = {key: value for key, value in (("site", site), ("process", process)) if value}
    chain = _chain(origin, show_personal)
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=chain,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _renderer(log_format)],
    )
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *chain, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def _chain(origin: Mapping[str, str], show_personal: bool) -> list[structlog.typing.Processor]:
    return [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        partial(_add_origin, origin),
        structlog.processors.format_exc_info,
        partial(_guard_personal, show_personal),
    ]


def _renderer(log_format: str) -> structlog.typing.Processor:
    if log_format == "json":
        return structlog.processors.JSONRenderer(serializer=partial(json.dumps, ensure_ascii=False))
    return structlog.dev.ConsoleRenderer(colors=False, timestamp_key="at")


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """Give a logger: `log.info("call admitted", city=city, **{"pii.caller": number})`."""
    logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return logger


def _add_origin(origin: Mapping[str, str], _logger: Any, _method: str, line: EventDict) -> EventDict:
    for key, value in origin.items():
        line.setdefault(key, value)
    return line


def _guard_personal(show_personal: bool, _logger: Any, _method: str, line: EventDict) -> EventDict:
    guarded: EventDict = {key: line[key] for key in _FIRST if key in line}
    slipped = False
    for key, value in line.items():
        if key.startswith("_"):  # structlog's own: the log record of a library
            guarded[key] = value
        elif key.startswith(PERSONAL):
            guarded[key] = _plain(value) if show_personal else MASK
        elif key == "call_id" and isinstance(value, str) and is_call_id(value):
            guarded[key] = value  # digits of an id may look like a number
        else:
            clean = _plain(value, keep_lines=key in _MANY_LINES)
            guarded[key] = _without_numbers(clean)
            slipped = slipped or guarded[key] != clean
    if slipped:
        guarded["unmarked_number"] = True
    return guarded


def _plain(value: Any, *, keep_lines: bool = False) -> Any:
    """Turn a value into JSON's own kinds, control characters escaped so that none reaches a terminal."""
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, Mapping):
        return {_plain(str(key)): _plain(part) for key, part in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(part) for part in value]
    text = str(value) if isinstance(value, str) else repr(value)
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or (keep_lines and c == "\n") else repr(c)[1:-1] for c in text)


def _without_numbers(value: Any) -> Any:
    if isinstance(value, str):
        return _NUMBER.sub(NUMBER_MASK, value)
    if isinstance(value, dict):
        return {key: _without_numbers(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_without_numbers(part) for part in value]
    return value
