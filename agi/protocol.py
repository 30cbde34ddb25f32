"""FastAGI without I/O: bytes in, events out, one outstanding command.

A session on the wire (Asterisk f0c1c1a, res/res_agi.c `launch_netscript`, `setup_env`, `run_agi`): Asterisk sends
headers `agi_…: value`, one a line, and a blank line; then we send one command a line and get one answer for each.
A command sent before the answer to the last one would stay in Asterisk's stdio buffer until another byte arrives,
so `send` refuses it. A line `HANGUP` comes on its own, before or after an answer, once or twice; it never is one.
"""

from enum import Enum
from typing import Final

from agi.errors import AgiProtocolError, Fault
from agi.events import Disconnected, Event, HangupReceived, Reply, SessionStarted, TimedOut, Trying
from agi.parse import Limits, parse_headers, parse_reply, text_of
from tieline.errors import LocalProtocolError


class State(Enum):
    """Where a session is on the wire."""

    HEADERS = "headers"
    IDLE = "idle"
    WAITING = "waiting"
    USAGE = "usage"
    """Inside an answer 520 of several lines."""
    CLOSED = "closed"


_HEAD: Final = b"agi_"
_HEADERS, _IDLE, _WAITING, _USAGE, _CLOSED = State  # a name of the module is read in half the time


class FastAgi:
    """One FastAGI connection, our side, without I/O.

    Feed it with `receive_data` and `receive_eof`, take `events_received` and `data_to_send`, and call `on_time` when
    `next_deadline` has passed. After an error, a time-out or the end nothing more is taken or given.
    """

    __slots__ = ("_buffer", "_deadline", "_events", "_limits", "_out", "_state", "_usage", "_usage_bytes")

    def __init__(self, now: float, *, headers_within_s: float, limits: Limits | None = None) -> None:
        """Wait for the header block.

        Args:
            now: A monotonic clock, seconds.
            headers_within_s: The header block must be complete within this time, seconds.
            limits: What the peer may send.
        """
        self._limits = limits or Limits()
        self._state = _HEADERS
        self._buffer = b""
        self._events: list[Event] = []
        self._out: list[bytes] = []
        self._usage: list[bytes] = []
        self._usage_bytes = 0
        self._deadline: float | None = now + headers_within_s

    @property
    def state(self) -> State:
        """Where the session is."""
        return self._state

    def events_received(self) -> list[Event]:
        """Take what has happened since the last call."""
        events, self._events = self._events, []
        return events

    def data_to_send(self) -> list[bytes]:
        """Take what is to be written to the peer."""
        out, self._out = self._out, []
        return out

    def next_deadline(self) -> float | None:
        """Say when `on_time` wants to be called, on the clock of `now`; None when nothing is waited for."""
        return self._deadline

    def on_time(self, now: float) -> None:
        """End the session with `TimedOut` when what is waited for did not come in time."""
        if self._deadline is not None and now >= self._deadline:
            self._events.append(TimedOut())
            self.close()

    def send(self, line: bytes, *, answer_by: float) -> None:
        """Send one command; its answer comes as `Reply`.

        Args:
            line: From `agi.commands`, with its line feed.
            answer_by: When to give up waiting for the answer, on the clock of `now`.

        Raises:
            LocalProtocolError: A command is outstanding already, or the session has not begun or is over.
        """
        if self._state is not _IDLE:
            raise LocalProtocolError(f"cannot send a command while {self._state.value}")
        self._state = _WAITING
        self._deadline = answer_by
        self._out.append(line)

    def receive_data(self, data: bytes) -> None:
        """Take bytes from the peer, cut anywhere.

        Raises:
            AgiProtocolError: The peer broke the protocol. Events before the fault can still be taken.
        """
        if self._state is _CLOSED:
            return
        if (  # one whole answer and nothing else: nearly always
            self._state is _WAITING
            and not self._buffer
            and data.find(b"\n") == len(data) - 1 <= self._limits.line_bytes
            and (reply := parse_reply(data[:-1])) is not None
        ):
            self._answered(reply)
            return
        seen = len(self._buffer)
        self._buffer = self._buffer + data if seen else data
        try:
            if self._state is _HEADERS and not self._take_headers(seen):
                return
            if self._buffer:
                self._take_lines()
        except AgiProtocolError:
            self.close()
            raise

    def receive_eof(self) -> None:
        """Take the peer's end: after it nothing can come, whatever was outstanding."""
        if self._state is not _CLOSED:
            self._events.append(Disconnected(self._state is not _HEADERS, mid_line=bool(self._buffer)))
            self.close()

    def close(self) -> None:
        """Take and give nothing more; events that have happened can still be taken."""
        self._state = _CLOSED
        self._deadline = None
        self._buffer = b""
        self._out.clear()

    def _take_headers(self, seen: int) -> bool:
        """Take the header block when it is complete; `seen` bytes of it were searched before."""
        buffer, limits = self._buffer, self._limits
        if not buffer.startswith(_HEAD) and not _HEAD.startswith(buffer):
            raise AgiProtocolError(Fault.NOT_AGI)
        if buffer.find(b"\n", 0, limits.line_bytes + 1) < 0:  # a flood costs one look for one byte, no more
            if len(buffer) > limits.line_bytes:
                raise AgiProtocolError(Fault.LINE_TOO_LONG)
            return False
        end = buffer.find(b"\n\n", max(0, seen - 1))
        block = buffer if end < 0 else buffer[:end]
        if len(block) > limits.line_bytes:  # else no line can be too long
            if max(map(len, block.split(b"\n"))) > limits.line_bytes:
                raise AgiProtocolError(Fault.LINE_TOO_LONG)
            if len(block) > limits.block_bytes:
                raise AgiProtocolError(Fault.TOO_LARGE)
        if end < 0:
            return False
        headers, hangup = parse_headers(block, limits)
        self._buffer = buffer[end + 2 :]
        self._state = _IDLE
        self._deadline = None
        self._events.append(SessionStarted(headers))
        if hangup:
            self._events.append(HangupReceived())
        return True

    def _take_lines(self) -> None:
        limit = self._limits.line_bytes
        *lines, self._buffer = self._buffer.split(b"\n")
        for line in lines:
            if len(line) > limit:
                raise AgiProtocolError(Fault.LINE_TOO_LONG)
            if line == b"HANGUP":
                self._events.append(HangupReceived())
            elif self._state is _WAITING:
                self._answer_line(line)
            elif self._state is _USAGE:
                self._usage_line(line)
            else:
                raise AgiProtocolError(Fault.UNSOLICITED)
        if len(self._buffer) > limit:
            raise AgiProtocolError(Fault.LINE_TOO_LONG)

    def _answer_line(self, line: bytes) -> None:
        if reply := parse_reply(line):
            self._answered(reply)
        elif line.startswith(b"520-"):
            self._state = _USAGE
            self._usage = [line[4:]]
            self._usage_bytes = len(line)
        elif line.startswith(b"100 "):
            self._events.append(Trying(text_of(line[4:])))
        else:
            raise AgiProtocolError(Fault.BAD_REPLY)

    def _usage_line(self, line: bytes) -> None:
        last = line.startswith(b"520 ")
        self._usage.append(line[4:] if last else line)
        self._usage_bytes += len(line) + 1
        if self._usage_bytes > self._limits.block_bytes:
            raise AgiProtocolError(Fault.TOO_LARGE)
        if last:
            usage, self._usage = self._usage, []
            self._answered(Reply(520, text=text_of(b"\n".join(usage))))

    def _answered(self, reply: Reply) -> None:
        self._state = _IDLE
        self._deadline = None
        self._events.append(reply)
