"""A scripted Asterisk: opens FastAGI sessions and answers three commands, many at once, from one epoll loop."""

import errno
import select
import socket
import time
from collections.abc import Sequence
from typing import Final

import msgspec

HEADERS: Final = (
    b"agi_network: yes\nagi_network_script: menu\nagi_request: agi://127.0.0.1:4573/menu\n"
    b"agi_channel: PJSIP/edge-0000002a\nagi_language: zh\nagi_type: PJSIP\nagi_uniqueid: fuzhou-1-1795250482.42\n"
    b"agi_version: 22.10.1+dfsg+~cs6.17.60671434-1\nagi_callerid: 059187654321\n"
    b"agi_calleridname: \xe6\x9e\x97\xe7\xa7\x80\xe8\x8b\xb1\nagi_callingpres: 0\nagi_callingani2: 0\n"
    b"agi_callington: 0\nagi_callingtns: 0\nagi_dnid: 95598\nagi_rdnis: unknown\nagi_context: inbound\n"
    b"agi_extension: 95598\nagi_priority: 6\nagi_enhanced: 0.0\n"
    b"agi_accountcode: 0193f0a0-0000-7000-8000-000000000001\nagi_threadid: 139926614918848\nagi_arg_1: fuzhou\n\n"
)
FIRST_SEGMENT: Final = 406
"""Asterisk's headers come in two segments, the first of about this size."""
ANSWERS: Final = (b"200 result=1 (fuzhou\x01abc)\n", b"200 result=1\n", b"200 result=0\n")


class Load(msgspec.Struct, frozen=True):
    """What the peers saw.

    Attributes:
        latencies_s: From connect to the server's close, of sessions that got all three commands, seconds.
        connects_s: From connect to the established connection, seconds, of all that got one.
        failed: Sessions that ended otherwise, or not within the time.
    """

    latencies_s: Sequence[float]
    connects_s: Sequence[float]
    failed: int


class _Peer:
    """One session in progress."""

    __slots__ = ("answered", "began", "connected", "socket")

    def __init__(self, port: int) -> None:
        self.answered = 0
        self.connected = False
        self.socket = socket.socket()
        self.socket.setblocking(False)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.began = time.perf_counter()
        if self.socket.connect_ex(("127.0.0.1", port)) not in (0, errno.EINPROGRESS):
            raise ConnectionError("cannot connect")


class Generator:
    """Runs a bounded number of sessions, a bounded number at once, for a bounded time."""

    def __init__(self, port: int, *, at_once: int, within_s: float) -> None:
        """Aim at a port of this machine.

        Args:
            port: Where the server listens.
            at_once: Sessions in progress at any time.
            within_s: Give up after this many seconds; what is not over then has failed.
        """
        self._port = port
        self._at_once = at_once
        self._end = time.perf_counter() + within_s
        self._poll = select.epoll()
        self._peers: dict[int, _Peer] = {}
        self._latencies: list[float] = []
        self._connects: list[float] = []
        self._failed = 0

    def run(self, sessions: int) -> Load:
        """Run sessions one after the other on `at_once` places."""
        started = 0
        try:
            while len(self._latencies) + self._failed < sessions:
                while started < sessions and len(self._peers) < self._at_once:
                    self._open()
                    started += 1
                if time.perf_counter() > self._end:
                    self._failed = sessions - len(self._latencies)
                    break
                for descriptor, _ in self._poll.poll(0.2):
                    self._step(self._peers[descriptor])
        finally:
            for peer in self._peers.values():
                peer.socket.close()
            self._poll.close()
        return Load(self._latencies, self._connects, self._failed)

    def _open(self) -> None:
        peer = _Peer(self._port)
        self._peers[peer.socket.fileno()] = peer
        self._poll.register(peer.socket, select.EPOLLOUT)

    def _close(self, peer: _Peer) -> None:
        del self._peers[peer.socket.fileno()]
        peer.socket.close()

    def _step(self, peer: _Peer) -> None:
        try:
            if not peer.connected:
                self._begin(peer)
                return
            data = peer.socket.recv(1024)
        except OSError:
            self._failed += 1
            self._close(peer)
            return
        if data and peer.answered < len(ANSWERS):  # a command is far smaller than a segment
            peer.socket.send(ANSWERS[peer.answered])
            peer.answered += 1
        elif not data and peer.answered == len(ANSWERS):
            self._latencies.append(time.perf_counter() - peer.began)
            self._close(peer)
        else:
            self._failed += 1
            self._close(peer)

    def _begin(self, peer: _Peer) -> None:
        if error := peer.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            raise OSError(error, "connect")
        self._connects.append(time.perf_counter() - peer.began)
        peer.connected = True
        peer.socket.send(HEADERS[:FIRST_SEGMENT])
        peer.socket.send(HEADERS[FIRST_SEGMENT:])
        self._poll.modify(peer.socket, select.EPOLLIN)
