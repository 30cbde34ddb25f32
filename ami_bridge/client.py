"""The AMI client: panoramisk's `Manager` on our own wire, kept up for ever. The only module that imports panoramisk.

What panoramisk 1.4 gives: making the connection, wiring it to a protocol of our choice, `send_action`. What it gets
wrong stays outside, each held by a test (tests/component/ami_bridge/test_panoramisk.py): its own protocol loses
characters at segment cuts and sends CR LF through; it says an unanswered Originate again after a reconnect; one
raising callback closes the link; a silent peer is never noticed; a closed manager goes on reconnecting; every event
runs through every pattern. So each connection has its own `Manager`, which never reconnects by itself.
"""

import asyncio
import contextlib
import logging
import random
from collections.abc import AsyncIterator, Callable
from typing import Any, Final, NoReturn

from panoramisk import Manager

from ami_bridge.actions import Action, Completion, Login, Ping
from ami_bridge.correlator import Reply
from ami_bridge.dispatch import Dispatcher
from ami_bridge.events import FullyBooted
from ami_bridge.link import LinkProtocol, Value
from ami_bridge.node_link import NodeLink, Patience, retry_pause_s
from tieline.endings import cancel_until_done
from tieline.errors import AuthFailed, ConnectionLost, DeadlineExceeded, NotReady

ACTION_DEADLINE_S: Final = 2.0
_NEVER_S: Final = 10**9
"""Interval of panoramisk's own ping, whose answer it does not watch; `_watch` pings instead."""
_LONGEST: Final = 99
"""Failures in a row after which the pause is the longest: a refused login is mended by a human, not by haste."""

_LOG = logging.getLogger(__name__)


class _OneConnection(Manager):  # type: ignore[misc]  # panoramisk has no types
    """A `Manager` for one connection: leaves from our own address and does not come back by itself."""

    def __init__(self, node: NodeLink, protocol: LinkProtocol) -> None:
        super().__init__(
            host=node.host,
            port=node.port,
            protocol_factory=lambda: protocol,
            loop=asyncio.get_running_loop(),
            ping_delay=_NEVER_S,
            log=_LOG,
        )
        self._local = (node.local_address, 0) if node.local_address else None

    def connect(self, *_: Any) -> asyncio.Task[Any]:
        """Connect once; `Manager.connect` has no way to say where from."""
        task: asyncio.Task[Any] = self.loop.create_task(
            self.loop.create_connection(
                self.config["protocol_factory"], self.config["host"], self.config["port"], local_addr=self._local
            )
        )
        task.add_done_callback(self.connection_made)
        return task

    def connection_made(self, f: asyncio.Task[Any]) -> None:
        """Wire the protocol; a failed attempt is the caller's to see, panoramisk would try again behind our back."""
        if not f.cancelled() and f.exception() is None:
            super().connection_made(f)


class Client:
    """Keeps one logged-in link to a node and sends actions over it.

    Args:
        node: Where and who.
        dispatcher: Gets every event.
        on_up: Called when the link is logged in and Asterisk is fully booted.
        on_down: Called with the reason when a link that was up is lost, or an attempt failed.
        patience: Deadlines.

    Attributes:
        connects: Links that came up.
        attempts_failed: Attempts that did not come up, refused logins not counted.
        auth_failures: Logins that were refused.
        nobody_since: Loop time since when nobody listens there, None when somebody does or it is not known.
    """

    def __init__(
        self,
        node: NodeLink,
        dispatcher: Dispatcher,
        *,
        on_up: Callable[[], None],
        on_down: Callable[[str], None],
        patience: Patience | None = None,
    ) -> None:
        self.connects = 0
        self.attempts_failed = 0
        self.auth_failures = 0
        self.nobody_since: float | None = None
        self._node, self._dispatcher, self._patience = node, dispatcher, patience or Patience()
        self._on_up, self._on_down = on_up, on_down
        self._manager: _OneConnection | None = None
        self._up = asyncio.Event()
        self._woken = asyncio.Event()  # fully booted, or gone
        self._gone = asyncio.Event()
        self._reason = ""
        dispatcher.subscribe(FullyBooted, lambda _: self._woken.set())

    @property
    def is_dead(self) -> bool:
        """True while the node's host says, and has said for long enough, that nobody listens there."""
        if self.nobody_since is None:
            return False
        return asyncio.get_running_loop().time() - self.nobody_since >= self._patience.dead_after_s

    @property
    def is_up(self) -> bool:
        """True while logged in to a fully booted Asterisk."""
        return self._up.is_set()

    async def run(self) -> NoReturn:
        """Connect, stay connected, come back; ends only by cancellation, and then closes the link."""
        failures = 0
        while True:
            began = asyncio.get_running_loop().time()
            try:
                await self._one_link()
                # A link that does not last counts as a failure too, else a flapping node is stormed with log-ins.
                lasted_s = asyncio.get_running_loop().time() - began
                failures = 1 if lasted_s > self._patience.retry_most_s else failures + 1
            except AuthFailed as error:
                self.auth_failures += 1
                _LOG.warning("%s; is manager.conf of that node applied? (tieline conf diff)", error)
                failures, self._reason = _LONGEST, str(error)
            except (ConnectionLost, DeadlineExceeded) as error:
                self.attempts_failed += 1
                failures, self._reason = failures + 1, str(error)
            self._on_down(self._reason)
            chance = random.random()  # noqa: S311  # jitter, nothing to guess
            await asyncio.sleep(retry_pause_s(self._patience, failures, chance))

    @contextlib.asynccontextmanager
    async def linked(self) -> AsyncIterator[None]:
        """Keep the link during the block; it comes up while the block runs (`come_up`)."""
        task = asyncio.create_task(self.run())
        try:
            yield
        finally:
            await cancel_until_done(task)

    async def come_up(self, deadline_s: float) -> None:
        """Wait until the link is up.

        Raises:
            NotReady: It is not in time.
        """
        await _wait(self._up, deadline_s)
        if not self.is_up:
            raise NotReady(f"no AMI link to {self._node.node}: {self._reason}")

    async def do(self, action: Action, *, deadline_s: float = ACTION_DEADLINE_S) -> Reply:
        """Send an action and wait for its whole answer.

        While the link is down a replay-safe action waits for the next one and is said (again) there; any other fails.

        Raises:
            DeadlineExceeded: No answer in time; whether Asterisk did it is not known.
            ConnectionLost: The link broke before the answer; the same.
            NotReady: No link, nothing was sent.
            LocalProtocolError: The action must not be sent.
        """
        try:
            async with asyncio.timeout(deadline_s):
                while True:
                    if not self.is_up and not action.replay_safe:
                        raise NotReady(f"no AMI link to {self._node.node}")
                    await self._up.wait()
                    try:
                        return await self._send(action)
                    except ConnectionLost:
                        if not action.replay_safe:
                            raise
        except TimeoutError:
            raise DeadlineExceeded(f"AMI {action.name}", deadline_s) from None

    async def _send(self, action: Action) -> Reply:
        if self._manager is None:
            raise ConnectionLost("no AMI link")
        said: dict[str, Value] = {"Action": action.name}
        for name, value in action.headers():
            known = said.get(name)
            said[name] = value if known is None else [*([known] if isinstance(known, str) else known), value]
        answer = self._manager.send_action(said, as_list=action.completion is Completion.EVENT_LIST)
        reply: Reply = await answer
        return reply

    async def _one_link(self) -> None:
        """Live through one connection, from connect to loss."""
        self._woken.clear()
        self._gone.clear()
        protocol = LinkProtocol(self._dispatcher, self._note_loss)
        self._manager = manager = _OneConnection(self._node, protocol)
        try:
            await self._come_up(manager)
            self.connects += 1
            self._up.set()
            self._on_up()
            await self._watch(protocol)
        finally:
            self._up.clear()
            manager.close()
            protocol.close()
            self._manager = None

    async def _come_up(self, manager: _OneConnection) -> None:
        limit, node = self._patience.connect_s, self._node.node
        nobody_since, self.nobody_since = self.nobody_since, None
        try:
            async with asyncio.timeout(limit):
                await manager.connect()
                reply = await self._send(Login(self._node.username, self._node.secret))
        except TimeoutError:
            raise DeadlineExceeded(f"AMI login at {node}", limit) from None
        except OSError as error:
            if isinstance(error, ConnectionRefusedError):
                now = asyncio.get_running_loop().time()
                self.nobody_since = now if nobody_since is None else nobody_since
            raise ConnectionLost(f"AMI connect to {node}: {error}") from error
        if not reply.success:
            raise AuthFailed(f"AMI login at {node} refused: {reply.message}")
        await _wait(self._woken, self._patience.boot_s)
        if self._gone.is_set():
            raise ConnectionLost(self._reason)
        if not self._woken.is_set():
            raise DeadlineExceeded(f"FullyBooted from {node}", self._patience.boot_s)

    async def _watch(self, protocol: LinkProtocol) -> None:
        """Ping until the link is lost; an unanswered ping gives it up (a frozen peer keeps its sockets open)."""
        while not self._gone.is_set():
            try:
                async with asyncio.timeout(self._patience.ping_deadline_s):
                    await self._send(Ping())
            except TimeoutError:
                protocol.fail(f"silent for {self._patience.ping_deadline_s:g} s")
            except ConnectionLost:
                return
            await _wait(self._gone, self._patience.ping_every_s)

    def _note_loss(self, reason: str) -> None:
        self._up.clear()
        self._reason = reason
        self._gone.set()
        self._woken.set()


async def _wait(event: asyncio.Event, limit_s: float) -> None:
    """Wait until `event` is set, at most `limit_s` seconds; look at the event to know which."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(limit_s):
            await event.wait()
