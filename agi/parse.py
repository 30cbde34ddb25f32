"""Reading of FastAGI lines: header blocks and answers. Bytes are decoded only here, after framing."""

import re
from collections.abc import Iterator
from typing import Final

import msgspec

from agi.errors import AgiProtocolError, Fault
from agi.events import Reply


class Limits(msgspec.Struct, frozen=True):
    """What a peer may send. Real header blocks have 500 to 600 bytes; a caller's name comes from one SIP message.

    Attributes:
        line_bytes: Longest line of headers or answers, bytes, without its line feed.
        headers: Most headers in a block. Asterisk sends 22 and at most 127 arguments.
        block_bytes: Largest header block or answer of several lines, bytes.
    """

    line_bytes: int = 32_768
    headers: int = 160
    block_bytes: int = 65_536


_USUAL_NAMES: Final = (
    *("agi_network", "agi_network_script", "agi_request", "agi_channel", "agi_language", "agi_type", "agi_uniqueid"),
    *("agi_version", "agi_callerid", "agi_calleridname", "agi_callingpres", "agi_callingani2", "agi_callington"),
    *("agi_callingtns", "agi_dnid", "agi_rdnis", "agi_context", "agi_extension", "agi_priority", "agi_enhanced"),
    *("agi_accountcode", "agi_threadid"),
)
"""The headers in the order in which Asterisk 22 sends them; one regular expression reads them in half the time."""
_USUAL_BLOCK: Final = re.compile(
    "\n".join(f"{name}: ([^\n]*)" for name in _USUAL_NAMES) + r"((?:\nagi_arg_\d+: [^\n]*)*)"
)
_REPLY: Final = re.compile(r"200 result=(\S*)(?: \((.*)\))?(?: endpos=(-?\d+))?(.*)", re.DOTALL)
_REFUSAL: Final = re.compile(r"(510|511|520)(?: (.*))?", re.DOTALL)
_COMMON: Final = {f"200 result={n}".encode(): Reply(200, str(n)) for n in (-1, 0, 1)}


def text_of(raw: bytes) -> str:
    """Decode what Asterisk sent: bytes that are no UTF-8, and NUL, become U+FFFD. Never raises."""
    text = raw.decode("utf-8", "replace")
    return text.replace("\0", "\ufffd") if "\0" in text else text


def parse_reply(line: bytes) -> Reply | None:
    """Read a final answer of one line, or say None when it has no form of one."""
    common = _COMMON.get(line)
    if common is not None:
        return common
    text = text_of(line)
    if match := _REPLY.fullmatch(text):
        result, data, endpos, rest = match.groups()
        if rest and (rest[0] != " " or rest.startswith(" (")):  # a value cut by a line feed never closes
            return None
        return Reply(200, result, data, int(endpos) if endpos else None, rest.strip())
    if match := _REFUSAL.fullmatch(text):
        return Reply(int(match[1]), text=match[2] or "")
    return None


def parse_headers(block: bytes, limits: Limits) -> tuple[dict[str, str], bool]:
    """Read a whole header block (without its blank line); also tell whether a line `HANGUP` stood in it.

    A caller id may hold a line feed, so headers could be forged by a caller. What a forger can add is refused:
    a second header of one name, and arguments that are not last or not numbered from 1.

    Raises:
        AgiProtocolError: A limit is passed, or the headers are in no form that Asterisk sends.
    """
    text = text_of(block)
    if text.count("\n") >= limits.headers:
        raise AgiProtocolError(Fault.TOO_MANY_HEADERS)
    if usual := _USUAL_BLOCK.fullmatch(text):
        values = usual.groups()
        headers = dict(zip(_USUAL_NAMES, values))  # noqa: B905 - the last value is all the arguments
        if arguments := values[-1]:
            headers.update(_numbered(arguments[1:].split("\n")))
        return headers, False
    return _parse_unusual(text.split("\n"))


def _numbered(lines: list[str]) -> Iterator[tuple[str, str]]:
    """Read lines `agi_arg_N: value`, numbered from 1."""
    for number, line in enumerate(lines, 1):
        name, _, value = line.partition(": ")
        if name != f"agi_arg_{number}":
            raise AgiProtocolError(Fault.BAD_HEADER)
        yield name, value


def _parse_unusual(lines: list[str]) -> tuple[dict[str, str], bool]:
    """Read headers of any names: a line that is no header belongs to the value before it."""
    headers: dict[str, str] = {}
    last = ""
    arguments = 0
    hangup = False
    for line in lines:
        name, colon, value = line.partition(": ")
        if colon and name.startswith("agi_"):
            arguments += name.startswith("agi_arg_")
            if name in headers or (arguments and name != f"agi_arg_{arguments}"):
                raise AgiProtocolError(Fault.BAD_HEADER)
            headers[name] = value
            last = name
        elif line == "HANGUP":
            hangup = True
        elif not last:
            raise AgiProtocolError(Fault.NOT_AGI)
        else:
            headers[last] += "\n" + line
    return headers, hangup
