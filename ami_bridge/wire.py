"""AMI bytes to packets and back: sans-IO, bounded, linear for any segmentation.

Packets are cut out of the byte stream first and decoded afterwards, so a segment that ends inside a character or
inside CR LF loses nothing. A packet is not parsed into a dict: most events are not wanted, and of a wanted one only
a few headers are read (`header`, `events.reader_of`), and only their values are decoded.

Source: Asterisk 22.10 as recorded in tests/wire/ami_bridge; limits of what Asterisk reads from us: main/manager.c
(`AST_MAX_MANHEADERS` 128, `mansession.inbuf[1025]`).
"""

import re
from collections.abc import Iterable
from typing import Final, NewType, cast

from tieline.errors import LocalProtocolError, RemoteProtocolError

_END: Final = b"\r\n\r\n"

MAX_GREETING: Final = 256
"""Bytes of the first line; Asterisk's own is 29 (`Asterisk Call Manager/11.0.0`)."""
MAX_LINE: Final = 32_768
"""Bytes of one header. The longest value Asterisk makes is an escaped variable: 8,192 bytes, each at most doubled."""
MAX_HEADERS: Final = 512
"""Headers of one packet. An attended transfer, the longest event, has about 120; the rest is for variables."""
MAX_PACKET: Final = 262_144
"""Bytes of one packet: eight of the longest lines. A peer that sends more without an end is not Asterisk."""

MAX_SENT_LINE: Final = 1_022
"""Bytes of one header we send, without CR LF; Asterisk 22.10 refuses one more as too long (tried)."""
MAX_SENT_HEADERS: Final = 128
"""Headers we send in one action, `Action` among them; Asterisk 22.10 refuses one more (tried)."""

_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_FORBIDDEN: Final = re.compile(r"[\r\n\0]")
_GREETING: Final = b"Asterisk Call Manager/"


Packet = NewType("Packet", bytes)
"""One event or response as it came, without the empty line that ends it; read on demand, never parsed whole."""


def event_name(packet: Packet) -> str:
    """Give the name of an event, empty for a response."""
    return _value(packet, 7) if packet.startswith(b"Event: ") else ""


def header(packet: Packet, name: str) -> str | None:
    """Give the first value of a header, spelt as Asterisk spells it; None when the packet has no such header."""
    lead = f"{name}: ".encode()
    if packet.startswith(lead):
        return _value(packet, len(lead))
    found = packet.find(b"\r\n" + lead)
    return None if found < 0 else _value(packet, found + 2 + len(lead))


def all_headers(packet: Packet) -> list[tuple[str, str]]:
    """Give every header in order; a line without `: ` has an empty name."""
    pairs = []
    for line in packet.decode("utf-8", "replace").split("\r\n"):
        name, colon, value = line.partition(": ")
        pairs.append((name, value) if colon else ("", line))
    return pairs


def mended(packet: Packet) -> Packet:
    """Replace what is no UTF-8."""
    return Packet(packet.decode("utf-8", "replace").encode())


def _value(packet: Packet, start: int) -> str:
    end = packet.find(b"\r\n", start)
    return (packet[start:end] if end >= 0 else packet[start:]).decode("utf-8", "replace")


class AmiReader:
    """Cuts what Asterisk sends into packets.

    Attributes:
        version: AMI version from the greeting (11.0.0 with Asterisk 22), empty before it came.
    """

    def __init__(self) -> None:
        self.version = ""
        self._buffer = bytearray()

    def receive_data(self, segment: bytes) -> list[Packet]:
        """Take one segment, however cut, and give the packets that it completed.

        Costs time in proportion to the segment: bytes kept from earlier are neither scanned nor copied again until
        their packet ends.

        Raises:
            RemoteProtocolError: No AMI greeting, or a limit is passed. The connection is of no more use.
        """
        buffer = self._buffer
        if not self.version:
            buffer += segment
            if not self._read_greeting():
                return []
            segment = bytes(buffer)
            buffer.clear()
        if not buffer:
            return self._cut(segment)
        kept = len(buffer)
        buffer += segment
        if buffer.find(_END, max(0, kept - 3)) < 0:
            self._refuse_endless(buffer)
            return []
        whole = bytes(buffer)
        buffer.clear()
        return self._cut(whole)

    def receive_eof(self) -> int:
        """Note that the peer closed; gives the number of bytes of an unfinished packet, which is dropped."""
        left = len(self._buffer)
        self._buffer.clear()
        return left

    def _read_greeting(self) -> bool:
        buffer = self._buffer
        end = buffer.find(b"\r\n", 0, MAX_GREETING)
        begins = buffer[: len(_GREETING)]
        if not _GREETING.startswith(begins) or (end < 0 and len(buffer) >= MAX_GREETING):
            raise RemoteProtocolError(f"no AMI greeting: {bytes(buffer[:40])!r}")
        if end < 0:
            return False
        self.version = buffer[len(_GREETING) : end].decode("ascii", "replace") or "unknown"
        del buffer[: end + 2]
        return True

    def _cut(self, whole: bytes) -> list[Packet]:
        frames = whole.split(_END)
        rest = frames.pop()
        if rest:
            self._buffer += rest
            self._refuse_endless(rest)
        if not frames:
            return []
        # A lone CR LF between two packets (seen by panoramisk's authors) belongs to neither.
        if min(frames) < b"A":
            frames = [frame.removeprefix(b"\r\n") for frame in frames if frame]
        # The common short packets skip the limits: 512 headers need at least this many bytes, a long line far more.
        if max(map(len, frames), default=0) > 4 * MAX_HEADERS:
            for frame in frames:
                _check_limits(frame)
        return cast("list[Packet]", frames)

    @staticmethod
    def _refuse_endless(unfinished: bytes | bytearray) -> None:
        if len(unfinished) > MAX_PACKET:
            raise RemoteProtocolError(f"AMI packet longer than {MAX_PACKET} bytes")


def _check_limits(frame: bytes) -> None:
    if len(frame) > MAX_PACKET:
        raise RemoteProtocolError(f"AMI packet longer than {MAX_PACKET} bytes")
    lines = frame.split(b"\r\n")
    if len(lines) > MAX_HEADERS:
        raise RemoteProtocolError(f"AMI packet with more than {MAX_HEADERS} headers")
    if max(map(len, lines)) > MAX_LINE:
        raise RemoteProtocolError(f"AMI header longer than {MAX_LINE} bytes")


def encode_action(headers: Iterable[tuple[str, str]]) -> bytes:
    """Encode one action: the only place where something becomes bytes for Asterisk.

    Raises:
        LocalProtocolError: A name is no header name, a value holds CR, LF or NUL (it would end the header and begin
            a second action: Asterisk 22 carries it out), or Asterisk would cut the action short.
    """
    lines = []
    for name, value in headers:
        if _NAME.fullmatch(name) is None:
            raise LocalProtocolError(f"AMI header name {name!r}")
        if _FORBIDDEN.search(value):
            raise LocalProtocolError(f"CR, LF or NUL in AMI header {name}")
        try:
            line = f"{name}: {value}".encode()
        except UnicodeEncodeError:
            raise LocalProtocolError(f"no UTF-8 in AMI header {name}") from None
        if len(line) > MAX_SENT_LINE:
            raise LocalProtocolError(f"AMI header {name} longer than {MAX_SENT_LINE} bytes")
        lines.append(line)
    if not lines or len(lines) > MAX_SENT_HEADERS:
        raise LocalProtocolError(f"AMI action with {len(lines)} headers")
    return b"\r\n".join(lines) + _END
