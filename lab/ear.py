"""Ears: where callers of a drill hear. An open ear keeps every RTP packet; a deaf one only counts them.

A caller names an ear in its SDP, so Asterisk sends there what the caller would hear and SIPp is spared the reading.
A deaf ear is a socket that nobody reads: the kernel drops what comes and counts it (`drops` of /proc/net/udp), which
costs nobody anything. Reading packets and measuring sound (`Packet`, `listen`) is pure.
"""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from lab.tones import AGENT_HZ, CALLER_HZ, RATE_HZ, decode, level, seconds_with
from tieline.topology import Address

PCMA: Final = 8
"""RTP payload type of A-law (RFC 3551 section 6)."""

PACKET_S: Final = 0.02
SPEECH_LEVEL: Final = 500.0
TONE_AMPLITUDE: Final = 3000.0
_WINDOW_S: Final = 0.1
_HEADER: Final = 12
_SEQUENCES: Final = 1 << 16
_RTCP: Final = range(192, 224)
_LEAST_BUFFER: Final = 1
"""The kernel raises it to its least, which holds one to three packets."""
_EAR_BUFFER: Final = 1 << 18


@dataclass(frozen=True, slots=True)
class Packet:
    """What matters of an RTP packet (RFC 3550 section 5.1)."""

    payload_type: int
    sequence: int
    payload: bytes


def is_rtcp(raw: bytes) -> bool:
    """Tell whether a datagram is RTCP: it goes to the port above, which may be another caller's (RFC 5761)."""
    return len(raw) > 1 and raw[0] >> 6 == 2 and raw[1] in _RTCP


def maybe_packet(raw: bytes) -> Packet | None:
    """Read an RTP packet; None when it is none."""
    if len(raw) < _HEADER or raw[0] >> 6 != 2:
        return None
    begin = _HEADER + 4 * (raw[0] & 0x0F)
    if raw[0] & 0x10:
        if len(raw) < begin + 4:
            return None
        begin += 4 + 4 * int.from_bytes(raw[begin + 2 : begin + 4])
    end = len(raw) - raw[-1] if raw[0] & 0x20 else len(raw)
    return Packet(raw[1] & 0x7F, int.from_bytes(raw[2:4]), raw[begin:end]) if begin <= end else None


@dataclass(frozen=True, slots=True)
class Heard:
    """What one ear heard.

    Attributes:
        packets: A-law packets.
        missing: Sequence numbers between the first and the last packet that never came.
        foreign: Datagrams that were no A-law packet.
        speech_s: Seconds of speech within the first `menu_s` seconds.
        agent_s: Seconds of the agent's tone in the whole call.
        own_s: Seconds of the caller's own tone: an echo, or another caller's sound in this call.
    """

    packets: int
    missing: int
    foreign: int
    speech_s: float
    agent_s: float
    own_s: float


def listen(datagrams: Iterable[bytes], *, menu_s: float) -> Heard:
    """Measure what came in, in the order of its sequence numbers. Pure.

    Args:
        datagrams: As they arrived; one sender.
        menu_s: How long the caller was in the menu for sure, seconds from the first packet.
    """
    read = [maybe_packet(raw) for raw in datagrams if not is_rtcp(raw)]
    packets = [packet for packet in read if packet is not None and packet.payload_type == PCMA]
    ordered = dict(sorted(_unwrapped(packets)))
    samples = decode(b"".join(ordered.values()))
    menu = samples[: round(menu_s * RATE_HZ)]
    size = round(_WINDOW_S * RATE_HZ)
    speaks = sum(level(menu[at : at + size]) >= SPEECH_LEVEL for at in range(0, len(menu) - size + 1, size))
    return Heard(
        packets=len(packets),
        missing=max(ordered) - min(ordered) + 1 - len(ordered) if ordered else 0,
        foreign=len(read) - len(packets),
        speech_s=round(speaks * _WINDOW_S, 1),
        agent_s=round(seconds_with(samples, AGENT_HZ, at_least=TONE_AMPLITUDE), 1),
        own_s=round(seconds_with(samples, CALLER_HZ, at_least=TONE_AMPLITUDE), 1),
    )


def _unwrapped(packets: Sequence[Packet]) -> list[tuple[int, bytes]]:
    """Number packets on beyond 65,535, each as near as possible to the one that came before it."""
    numbered: list[tuple[int, bytes]] = []
    last = packets[0].sequence if packets else 0
    for packet in packets:
        last += (packet.sequence - last + _SEQUENCES // 2) % _SEQUENCES - _SEQUENCES // 2
        numbered.append((last, packet.payload))
    return numbered


def drops_of(table: str) -> Mapping[str, tuple[int, int]]:
    """Read /proc/net/udp: inode to (bytes waiting, packets dropped). Pure."""
    found: dict[str, tuple[int, int]] = {}
    for line in table.splitlines()[1:]:
        words = line.split()
        found[words[9]] = (int(words[4].partition(":")[2], 16), int(words[12]))
    return found


class OpenEar(asyncio.DatagramProtocol):
    """Keeps every datagram."""

    def __init__(self) -> None:
        self.datagrams: list[bytes] = []

    def datagram_received(self, data: bytes, addr: object) -> None:
        """Keep it."""
        del addr
        self.datagrams.append(data)


@dataclass(slots=True)
class Ears:
    """The ears of a drill, in the order in which they were asked for.

    Attributes:
        opened: Those that keep what they hear.
        deaf: The sockets that nobody reads.
    """

    opened: dict[Address, OpenEar] = field(default_factory=dict)
    deaf: dict[Address, socket.socket] = field(default_factory=dict)

    def packets(self) -> Mapping[Address, int]:
        """Count the datagrams that came to each ear; at a deaf one those still waiting count as one."""
        table = drops_of(Path("/proc/net/udp").read_text())
        counts = {address: len(ear.datagrams) for address, ear in self.opened.items()}
        for address, deaf in self.deaf.items():
            waiting, dropped = table[str(_inode(deaf))]
            counts[address] = dropped + (waiting > 0)
        return counts


def _inode(handle: socket.socket) -> int:
    return Path(f"/proc/self/fd/{handle.fileno()}").stat().st_ino


@contextlib.asynccontextmanager
async def ears(host: str, hearing: Sequence[bool]) -> AsyncIterator[tuple[Ears, tuple[Address, ...]]]:
    """Open ears on ports that the kernel chooses; gives them and their addresses.

    Args:
        host: Loopback address.
        hearing: For each ear whether it keeps what it hears.
    """
    loop = asyncio.get_running_loop()
    found = Ears()
    addresses: list[Address] = []
    async with contextlib.AsyncExitStack() as stack:
        for hears in hearing:
            handle = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            handle.setblocking(False)
            handle.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _EAR_BUFFER if hears else _LEAST_BUFFER)
            handle.bind((host, 0))
            address = Address(host, handle.getsockname()[1])
            addresses.append(address)
            if hears:
                transport, found.opened[address] = await loop.create_datagram_endpoint(OpenEar, sock=handle)
                stack.callback(transport.close)
            else:
                stack.callback(handle.close)
                found.deaf[address] = handle
        yield found, tuple(addresses)
