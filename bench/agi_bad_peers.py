"""A thousand peers that are no Asterisk, in a process of their own: `python -m bench.agi_bad_peers PORT COUNT`.

A fifth each: silent, half a header, floods without a newline, binary, close at once. Those that the server ends, or
that end themselves, come back a second later; so COUNT of them are there all the time. One connection is looked at in
a turn, and the good calls that are measured come first on the processor that both share: what they wait for is the
server. Prints a line when all have been there once, and for every line it reads how many connections it has opened so
far; it ends when its standard input does.
"""

import heapq
import os
import select
import socket
import sys
import time
from typing import Final

from bench._measure import allow_many_files
from bench.agi_load import HEADERS

BACK_AFTER_S: Final = 1.0
NICE: Final = 10
KINDS: Final[tuple[bytes | None, ...]] = (b"", HEADERS[:60], b"agi_" + b"x" * 200_000, bytes(range(256)), None)
"""What each kind sends; None closes at once."""


class _BadPeer:
    """One connection of one peer."""

    __slots__ = ("number", "socket", "unsent")

    def __init__(self, number: int, port: int) -> None:
        self.number = number
        self.unsent = KINDS[number % len(KINDS)]
        self.socket = socket.socket()
        self.socket.setblocking(False)
        self.socket.connect_ex(("127.0.0.1", port))

    def waits_for(self) -> int:
        return select.EPOLLIN | (0 if self.unsent == b"" else select.EPOLLOUT)

    def goes_on(self, happened: int) -> bool:
        """Send what is left, and look for the server's end; False when this connection is over."""
        if self.unsent is None:
            return False
        try:
            if self.unsent:
                self.unsent = self.unsent[self.socket.send(self.unsent) :]
            return not happened & ~select.EPOLLOUT or bool(self.socket.recv(1024))
        except BlockingIOError:
            return True
        except OSError:
            return False


class BadPeers:
    """All of them, on one epoll loop."""

    def __init__(self, port: int, count: int) -> None:
        """Spread the first coming of `count` peers over the time for which they stay away later."""
        now = time.monotonic()
        self._port = port
        self._opened = 0
        self._poll = select.epoll()
        self._there: dict[int, _BadPeer] = {}
        self._away = [(now + n / count * BACK_AFTER_S, n) for n in range(count)]
        self._count = count

    def run(self) -> None:
        """Misbehave until the standard input ends."""
        stdin = sys.stdin.fileno()
        self._poll.register(stdin, select.EPOLLIN)
        while True:
            for descriptor, happened in self._poll.poll(self._until_next_s(), 1):
                if descriptor != stdin:
                    self._step(self._there[descriptor], happened)
                elif os.read(stdin, 64):
                    _say(str(self._opened))
                else:
                    return
            if self._away and self._away[0][0] <= time.monotonic():
                self._come(heapq.heappop(self._away)[1])

    def _until_next_s(self) -> float | None:
        return max(0.0, self._away[0][0] - time.monotonic()) if self._away else None

    def _come(self, number: int) -> None:
        peer = _BadPeer(number, self._port)
        self._there[peer.socket.fileno()] = peer
        self._poll.register(peer.socket, peer.waits_for())
        self._opened += 1
        if self._opened == self._count:
            _say("there")

    def _step(self, peer: _BadPeer, happened: int) -> None:
        if peer.goes_on(happened):
            self._poll.modify(peer.socket, peer.waits_for())
            return
        del self._there[peer.socket.fileno()]
        peer.socket.close()
        heapq.heappush(self._away, (time.monotonic() + BACK_AFTER_S, peer.number))


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    os.nice(NICE)
    allow_many_files()
    BadPeers(int(sys.argv[1]), int(sys.argv[2])).run()
