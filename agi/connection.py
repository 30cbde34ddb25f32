"""One FastAGI connection: bytes between the socket and the sans-IO core, and the task of one script."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, Protocol, cast

import msgspec
import structlog

from agi.commands import Command
from agi.errors import AgiProtocolError, CallerGone
from agi.events import Disconnected, HangupReceived, Reply, SessionStarted, TimedOut
from agi.metrics import End, Refusal, Tally
from agi.parse import Limits
from agi.protocol import FastAgi
from agi.request import Request
from agi.session import Session
from tieline.errors import ConnectionLost, DeadlineExceeded

DONE_VARIABLE: Final = "TL_DONE"
"""Set to the script's name by the very last command; the dialplan trusts nothing else (AGISTATUS proves nothing)."""

Handler = Callable[[Session], Awaitable[Mapping[str, str]]]
"""A script: gives the channel variables to set. It fails by raising; then none of them is set."""

_log = structlog.get_logger("agi")


class Route(msgspec.Struct, frozen=True):
    """How one script is served.

    Attributes:
        handler: The script.
        deadline_s: For the whole session, seconds. Past it the connection is closed and the dialplan goes on.
        dead_channel: For hang-up handlers: the channel is dead from the start, `HANGUP` lines mean nothing.
    """

    handler: Handler
    deadline_s: float
    dead_channel: bool = False


class Owner(Protocol):
    """What a connection needs of the server."""

    loop: asyncio.AbstractEventLoop
    tally: Tally
    limits: Limits
    headers_within_s: float

    @property
    def routes(self) -> Mapping[str, Route]:
        """Scripts by name."""
        ...

    def admit(self, connection: "Connection", transport: asyncio.Transport) -> Refusal | None:
        """Register the connection, or say why it is refused."""
        ...

    def begin(self, connection: "Connection") -> None:
        """Take note that the header block is complete."""
        ...

    def forget(self, connection: "Connection") -> None:
        """Drop the connection and what it held."""
        ...


class Connection(asyncio.Protocol):
    """Serves one peer from its first byte to the end of its script.

    Attributes:
        began_at: When the peer connected, on the loop's clock.
    """

    __slots__ = (
        "_answer_within_s",
        "_core",
        "_cut",
        "_due",
        "_owner",
        "_session",
        "_task",
        "_transport",
        "began_at",
    )

    def __init__(self, owner: Owner) -> None:
        """Wait for `connection_made`."""
        self._owner = owner
        self._session: Session | None = None
        self._task: asyncio.Task[None] | None = None
        self._cut: End | None = None
        self._due = float("inf")
        self._answer_within_s = 0.0

    @property
    def task(self) -> asyncio.Task[None] | None:
        """The script in progress, if any."""
        return self._task

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to wait for headers, or refuse the peer."""
        owner = self._owner
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is not derived from it
        self.began_at = owner.loop.time()
        self._core = FastAgi(self.began_at, headers_within_s=owner.headers_within_s, limits=owner.limits)
        if refusal := owner.admit(self, self._transport):
            self.drop(refusal)

    def data_received(self, data: bytes) -> None:
        """Feed the core."""
        try:
            self._core.receive_data(data)
        except AgiProtocolError as fault:
            if self._session is None:
                self._core.events_received()  # a session that begins with a fault never begins: it may be forged
            self._handle_events()
            self._owner.tally.faults[fault.fault] += 1
            self._end_early(fault)
            return
        self._handle_events()

    def eof_received(self) -> None:
        """Feed the end; the transport closes itself."""
        self._core.receive_eof()
        self._handle_events()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """Let go of everything; a script that still runs learns it at its verb."""
        if self._task is not None or self._session is None:
            self._core.receive_eof()
            self._handle_events()
        self._owner.forget(self)

    def on_time(self, now: float) -> None:
        """Enforce the deadlines of headers, command and script; called on every tick."""
        due = self._core.next_deadline()
        if due is not None and now >= due:
            self._core.on_time(now)
            self._handle_events()
        if now >= self._due and self._cut is None:
            self.cut(End.DEADLINE)

    def cut(self, end: End) -> None:
        """End the script from outside; what it had outstanding is lost."""
        self._cut = end
        if self._task is not None:
            self._task.cancel()
        self._transport.abort()

    def drop(self, refusal: Refusal) -> None:
        """Close a connection that has no session, and count why."""
        self._owner.tally.refused[refusal] += 1
        self._core.close()
        self._transport.abort()

    def _handle_events(self) -> None:
        session = self._session
        for event in self._core.events_received():
            match event:
                case Reply() if session is not None:
                    session.receive_reply(event)
                case SessionStarted():
                    session = self._start(event)
                case HangupReceived() if session is not None:
                    session.receive_hangup()
                case TimedOut() if session is not None:
                    self._end_early(DeadlineExceeded("answer to an AGI command", self._answer_within_s))
                case TimedOut():
                    self.drop(Refusal.SILENT)
                case Disconnected(started=False):
                    self._owner.tally.refused[Refusal.CLOSED] += 1
                case Disconnected() if session is not None:
                    session.fail(ConnectionLost("Asterisk closed the AGI connection"))
                case _:  # Trying: the command goes on
                    pass

    def _end_early(self, failure: Exception) -> None:
        if self._session is not None:
            self._session.fail(failure)
        self._transport.abort()

    def _start(self, event: SessionStarted) -> Session:
        owner = self._owner
        request = Request(event.headers)
        route = owner.routes.get(request.script)
        session = Session(request, self._send, dead_channel=route is not None and route.dead_channel)
        self._session = session
        owner.begin(self)
        if route is None:
            owner.tally.ended("", End.UNKNOWN_SCRIPT, 0.0)
            _log.warning("agi script without a route", uniqueid=request.uniqueid)
            self._transport.abort()
            return session
        owner.tally.in_progress += 1
        self._due = self.began_at + route.deadline_s
        self._task = owner.loop.create_task(self._run(session, route))
        return session

    def _send(self, command: Command, deadline_s: float) -> None:
        self._core.send(command, answer_by=self._owner.loop.time() + deadline_s)
        self._answer_within_s = deadline_s
        for chunk in self._core.data_to_send():
            self._transport.write(chunk)

    async def _run(self, session: Session, route: Route) -> None:
        """Run one script to its end: the top frame of its task."""
        owner, request = self._owner, session.request
        end = End.FAILED
        try:
            values = await route.handler(session)
            await session.set_variables({**values, DONE_VARIABLE: request.script})
            end = End.DONE
        except CallerGone:
            end = End.HUNG_UP
        except asyncio.CancelledError:
            if self._cut is None:
                raise
        except Exception:  # noqa: BLE001 - the top frame of a task
            if session.failure is None and self._cut is None:
                _log.exception(
                    "agi script failed",
                    script=request.script,
                    uniqueid=request.uniqueid,
                    call_id=request.account_code,
                )
        finally:
            end = self._cut or _end_of(session.failure, end)
            owner.tally.in_progress -= 1
            owner.tally.ended(request.script, end, owner.loop.time() - self.began_at)
            if end not in (End.DONE, End.HUNG_UP, End.FAILED):
                _log.warning("agi script cut short", script=request.script, uniqueid=request.uniqueid, end=end.value)
            self._task = None
            self._transport.close()


def _end_of(failure: BaseException | None, end: End) -> End:
    """Say how a session ended whose script ended with `end`; what ended the connection comes first."""
    match failure:
        case None:
            return end
        case _ if end is End.DONE:  # Asterisk closed right after the last answer
            return end
        case CallerGone():
            return End.HUNG_UP
        case DeadlineExceeded():
            return End.SILENT
        case AgiProtocolError():
            return End.PROTOCOL
        case _:
            return End.LOST
