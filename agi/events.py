"""What the FastAGI core says has happened on the wire: a closed union, one class a kind."""

from collections.abc import Mapping

import msgspec


class SessionStarted(msgspec.Struct, frozen=True):
    """The header block is complete.

    Attributes:
        headers: Every header in the order it came. Bytes that are no UTF-8, and NUL, are U+FFFD, so a value never
            holds a lone surrogate or a NUL and can go into JSON, Redis and SQL as it is. A value may hold a line
            feed: Asterisk writes a caller id as it came, and a line without `agi_` continues the value before it.
    """

    headers: Mapping[str, str]


class Reply(msgspec.Struct, frozen=True):
    """The answer to the one outstanding command.

    Attributes:
        code: 200, 510 (unknown command), 511 (not on a dead channel) or 520 (wrong syntax).
        result: What follows `result=`, as text: digits pressed (`12`), a number (`-1`), or nothing.
        data: What stands in parentheses, e.g. a variable's value or `timeout`; None without parentheses.
        endpos: Sample at which playing or recording ended, None where the answer has none.
        text: For 510, 511 and 520 the rest of the answer, all lines; for 200 what follows the known parts.
    """

    code: int
    result: str = ""
    data: str | None = None
    endpos: int | None = None
    text: str = ""


class Trying(msgspec.Struct, frozen=True):
    """A provisional answer (100): the command goes on, its answer is still to come."""

    text: str


class HangupReceived(msgspec.Struct, frozen=True):
    """A line `HANGUP`: the channel is dead. It comes once, or twice when AGIEXITONHANGUP is set."""


class TimedOut(msgspec.Struct, frozen=True):
    """The header block, or the answer to a command, did not come in time. The connection is of no more use."""


class Disconnected(msgspec.Struct, frozen=True):
    """The peer closed.

    Attributes:
        started: The header block had been complete.
        mid_line: Bytes of an unfinished line, or of an unfinished header block, were thrown away.
    """

    started: bool
    mid_line: bool


Event = SessionStarted | Reply | Trying | HangupReceived | TimedOut | Disconnected
