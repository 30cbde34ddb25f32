"""A thousand peers that are no Asterisk, in a process of their own: `python -m bench.agi_bad_peers PORT COUNT`.

A fifth each: silent, half a header, floods without a newline, binary, close at once. Those that the server ends, or
that end themselves, come back a second later; so COUNT of them are there all the time. The good calls that are
measured come first on the processor that both share: what they wait for is the server. Prints a line when all have
been there once, and ends when its standard input does.
"""

import asyncio
import os
import sys
from collections.abc import Callable
from typing import Final

from bench._measure import allow_many_files
from bench.agi_load import HEADERS

BACK_AFTER_S: Final = 1.0
NICE: Final = 10
KINDS: Final[tuple[bytes | None, ...]] = (b"", HEADERS[:60], b"agi_" + b"x" * 200_000, bytes(range(256)), None)
"""What each kind sends; None closes at once."""


class _BadPeer(asyncio.Protocol):
    def __init__(self, kind: bytes | None, gone: Callable[[], object]) -> None:
        self._kind = kind
        self._gone = gone

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - narrows asyncio's base type
        if self._kind is None:
            transport.close()
        elif self._kind:
            transport.write(self._kind)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self._gone()


async def _misbehave(port: int, kind: bytes | None, *, offset_s: float, there: Callable[[], object]) -> None:
    loop = asyncio.get_running_loop()
    await asyncio.sleep(offset_s)
    while True:
        gone = asyncio.Event()
        try:
            await loop.create_connection(lambda gone=gone: _BadPeer(kind, gone.set), "127.0.0.1", port)  # type: ignore[misc]
        except OSError:
            gone.set()
        there()
        await gone.wait()
        await asyncio.sleep(BACK_AFTER_S)


async def main(port: int, count: int) -> None:
    """Misbehave until the standard input ends."""
    loop = asyncio.get_running_loop()
    told = asyncio.Event()
    loop.add_reader(sys.stdin, told.set)
    all_there = asyncio.Semaphore(0)
    peers = [
        asyncio.ensure_future(
            _misbehave(port, KINDS[n % len(KINDS)], offset_s=n / count * BACK_AFTER_S, there=all_there.release)
        )
        for n in range(count)
    ]
    for _ in range(count):
        await all_there.acquire()
    sys.stdout.write("there\n")
    sys.stdout.flush()
    await told.wait()
    loop.remove_reader(sys.stdin)
    for peer in peers:
        peer.cancel()


if __name__ == "__main__":
    os.nice(NICE)
    allow_many_files()
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2])))
