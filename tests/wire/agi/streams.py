"""Reads recorded FastAGI streams and plays them into the core."""

from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from pathlib import Path

from agi.events import Event
from agi.protocol import FastAgi

HERE = Path(__file__).parent
NAMES = sorted(path.stem for path in HERE.glob("*.txt"))

Turn = tuple[bytes, bytes]
"""Our command (empty at the start), and the bytes that Asterisk sent before the next one."""


def turns(name: str) -> list[Turn]:
    """Split a recording at our commands."""
    result: list[list[bytes]] = [[b"", b""]]
    for line in (HERE / f"{name}.txt").read_bytes().splitlines(keepends=True):
        if line.startswith(b"> "):
            result.append([line[2:], b""])
        else:
            result[-1][1] += line
    return [(sent, got) for sent, got in result]


def whole(data: bytes) -> list[bytes]:
    """One segment."""
    return [data]


def byte_by_byte(data: bytes) -> list[bytes]:
    """A segment a byte."""
    return [data[i : i + 1] for i in range(len(data))]


def inside_characters(data: bytes) -> list[bytes]:
    """Cut after the first byte of every character of several bytes."""
    cuts = [0, *(i + 1 for i, byte in enumerate(data[:-1]) if byte >= 0xC0), len(data)]
    return [data[a:b] for a, b in pairwise(cuts)]


def events(played: Iterable[Turn], cut: Callable[[bytes], list[bytes]] = whole) -> Iterator[Event]:
    """Play a recording, and its end, into a fresh core."""
    core = FastAgi(0.0, headers_within_s=5)
    for command, answer in played:
        if command:
            core.send(command, answer_by=10.0)
            assert core.data_to_send() == [command]
        for segment in cut(answer):
            core.receive_data(segment)
            yield from core.events_received()
    core.receive_eof()
    yield from core.events_received()
