"""The FastAGI server: sockets, limits, deadlines, draining, counters.

Runs on uvloop (a third of the cost) and on the stock loop. Deadlines are looked at on one common tick instead of one
timer per command: a timer costs more than a command, and a tick late (0.1 s) is early enough for a caller.
"""

import asyncio
import ipaddress
import resource
import socket
from collections.abc import Mapping
from contextlib import suppress
from typing import Final

import msgspec

from agi.connection import Connection, Route
from agi.metrics import AgiMetrics, End, Refusal, Tally
from agi.parse import Limits

TICK_S: Final = 0.1
"""Deadlines are kept to this much, seconds."""
SPARE_FILES: Final = 64
"""Files left for everything else in the process: at the limit, accepting stops for a second."""
RECEIVE_BYTES: Final = 32_768
"""What the kernel may hold of one peer until it is read, bytes (it doubles it for its own bookkeeping).

Without a bound it grows to megabytes for a peer that floods, and all of that is read in one turn of the loop.
"""
CUT_S: Final = 2.0
"""How long a cancelled script may take to tidy up when the server stops, seconds."""


class AgiSettings(msgspec.Struct, frozen=True):
    """How the server serves.

    Attributes:
        host: Address to listen on.
        port: TCP port; 0 lets the system choose.
        accept_from: Addresses and networks of the Asterisk nodes; all others are closed at once. AGI has no
            password, so this is its only door.
        backlog: Connections the kernel may hold until they are accepted (the kernel's own bound is
            net.core.somaxconn). A lost SYN costs its caller a second.
        max_connections: Connections open at once; fewer when RLIMIT_NOFILE allows the process fewer files. When all
            are taken, the one that has been sending headers for the longest time gives way; when all are sessions,
            the new one is refused and the dialplan asks elsewhere.
        headers_within_s: For the header block, seconds.
        reuse_port: Let several processes listen on one port.
        limits: What a peer may send.
    """

    host: str = "127.0.0.1"
    port: int = 4573
    accept_from: tuple[str, ...] = ("127.0.0.0/8",)
    backlog: int = 2048
    max_connections: int = 2000
    headers_within_s: float = 5.0
    reuse_port: bool = False
    limits: Limits = Limits()


class AgiServer:
    """Serves scripts by name. Make it, `start` it inside a running loop, `stop` it."""

    def __init__(self, routes: Mapping[str, Route], settings: AgiSettings | None = None) -> None:
        """Take the routes by script name, and the settings.

        Raises:
            ValueError: An entry of `accept_from` is no address or network.
        """
        self.routes = dict(routes)
        self.tally = Tally()
        self.settings = settings or AgiSettings()
        self.limits = self.settings.limits
        self.headers_within_s = self.settings.headers_within_s
        self._networks = [ipaddress.ip_network(entry) for entry in self.settings.accept_from]
        self._known_peers: dict[str, bool] = {}
        self._waiting: dict[Connection, None] = {}  # for their headers, the longest first
        self._sessions: dict[Connection, None] = {}
        self._server: asyncio.Server | None = None
        self._tick: asyncio.TimerHandle | None = None
        self._places = self.settings.max_connections
        self._beat = 0.0
        self._empty = asyncio.Event()

    @property
    def address(self) -> tuple[str, int]:
        """Address and port that are served, once started."""
        assert self._server is not None  # noqa: S101 - asked before start: a fault of the caller
        host, port = self._server.sockets[0].getsockname()[:2]
        return host, port

    @property
    def beat(self) -> float:
        """When the loop last ran the server's tick, on the clock of `time.monotonic`; stale means frozen."""
        return self._beat

    @property
    def _open(self) -> int:
        return len(self._waiting) + len(self._sessions)

    def metrics(self) -> AgiMetrics:
        """Take a picture of the counters."""
        return self.tally.picture(self._open)

    async def start(self) -> None:
        """Listen.

        Raises:
            OSError: The address is taken or not ours.
        """
        settings = self.settings
        files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        self._places = min(settings.max_connections, max(1, files - SPARE_FILES))
        self.loop = asyncio.get_running_loop()
        self._server = await self.loop.create_server(
            lambda: Connection(self),
            settings.host,
            settings.port,
            backlog=settings.backlog,
            reuse_address=True,
            reuse_port=settings.reuse_port or None,
            family=socket.AF_UNSPEC,
            start_serving=False,
        )
        for listening in self._server.sockets:  # what is accepted inherits it
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BYTES)
        await self._server.start_serving()
        self._on_tick()

    async def stop(self, *, drain_s: float) -> None:
        """Stop accepting, wait up to `drain_s` seconds for the scripts in progress, then cut them."""
        if self._server is not None:
            self._server.close()
        await self._until_empty(drain_s)
        tasks = [task for connection in self._sessions if (task := connection.task)]
        for connection in list(self._sessions):
            connection.cut(End.CUT)
        for connection in list(self._waiting):
            connection.drop(Refusal.CUT)
        await self._until_empty(CUT_S)
        if tasks:
            await asyncio.wait(tasks, timeout=CUT_S)
        if self._tick is not None:
            self._tick.cancel()

    async def _until_empty(self, within_s: float) -> None:
        if self._open:
            self._empty.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._empty.wait(), within_s)

    def admit(self, connection: Connection, transport: asyncio.Transport) -> Refusal | None:
        """Register a new connection, or say why it is refused."""
        full = self._open >= self._places
        self._waiting[connection] = None
        peer = transport.get_extra_info("peername")
        if peer is None:  # reset before we looked
            return Refusal.CLOSED
        if not self._is_known(peer[0]):
            return Refusal.ADDRESS
        if full:
            slowest = next(iter(self._waiting))
            if slowest is connection:
                return Refusal.FULL
            slowest.drop(Refusal.FULL)
        return None

    def begin(self, connection: Connection) -> None:
        """Take note that a connection's header block is complete."""
        del self._waiting[connection]
        self._sessions[connection] = None

    def forget(self, connection: Connection) -> None:
        """Drop a connection that is closed."""
        self._sessions.pop(connection, None)
        self._waiting.pop(connection, None)
        if not self._open:
            self._empty.set()

    def _is_known(self, peer: str) -> bool:
        known = self._known_peers.get(peer)
        if known is None:
            address = ipaddress.ip_address(peer)
            known = any(address in network for network in self._networks)
            if len(self._known_peers) < 1024:
                self._known_peers[peer] = known
        return known

    def _on_tick(self) -> None:
        now = self._beat = self.loop.time()
        for connection in list(self._sessions):
            connection.on_time(now)
        began_by = now - self.headers_within_s
        for connection in list(self._waiting):
            if connection.began_at > began_by:  # and all behind it
                break
            connection.on_time(now)
        self._tick = self.loop.call_later(TICK_S, self._on_tick)
