"""Keeps one part alive: starts it in its turn, finds out when it is ready, watches it, starts it again."""

import asyncio
import contextlib
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

from lab.errors import LabError
from lab.parts import AnswersLine, AnswersSip, Exits, Notifies, Part, PartState, Succeeds
from lab.probe import until_answers
from lab.process import Process, launch
from lab.sandbox import Sandbox

_RESTART_AFTER_S: Final = 0.2
_ASK_AGAIN_S: Final = 0.1
_WATCH_EVERY_S: Final = 0.25


class Keeper:
    """One part under supervision.

    Args:
        part: What to run.
        sandbox: Where.
        environment: Added to the part's own.
        doors: Directory for the part's notification socket.
        said: Called with each change of state, for progress.

    Attributes:
        restarts: How often it was started again.
        watchdog_kills: How often it was killed for silence.
    """

    def __init__(
        self,
        part: Part,
        sandbox: Sandbox,
        environment: Mapping[str, str],
        doors: Path,
        said: Callable[["Keeper"], None],
    ) -> None:
        self.part = part
        self.state = PartState.WAITING
        self.reason = ""
        self.restarts = 0
        self.watchdog_kills = 0
        self.settled = asyncio.Event()
        self._sandbox = sandbox
        self._environment = dict(environment)
        self._door = doors / f"{part.name}.notify"
        self._said = said
        self._process: Process | None = None
        self._task: asyncio.Task[None] | None = None
        self._last_ping = 0.0
        self._ready_told = asyncio.Event()

    @property
    def is_up(self) -> bool:
        """Whether others may rely on it."""
        return self.state in (PartState.READY, PartState.DONE)

    @property
    def pid(self) -> int | None:
        """The running program's process id, None when it does not run."""
        return self._process.pid if self._process is not None and self._process.returncode is None else None

    @property
    def process(self) -> Process:
        """The running program.

        Raises:
            LabError: It is not running.
        """
        if self._process is None or self._process.returncode is not None:
            raise LabError(f"{self.part.name} is not running ({self.state})")
        return self._process

    def start(self) -> None:
        """Begin to keep the part up; `settled` is set when it is ready, done or failed."""
        if self._task is None or self._task.done():
            self.settled.clear()
            self._task = asyncio.create_task(self._keep(), name=self.part.name)

    def give_up(self, reason: str) -> None:
        """Mark the part as failed without having started it."""
        self._change(PartState.FAILED, reason)
        self.settled.set()

    async def stop(self) -> None:
        """End the part and keep it ended."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None
        if self._process is not None:
            await self._process.stop()
        self._change(PartState.STOPPED)

    def freeze(self) -> None:
        """Stop the program's clock (SIGSTOP)."""
        self.process.freeze()
        self._change(PartState.FROZEN)

    def thaw(self) -> None:
        """Let a frozen program go on."""
        self.process.thaw()
        self._change(PartState.READY)

    async def _keep(self) -> None:
        try:
            while True:
                self._change(PartState.STARTING)
                try:
                    await self._once()
                except LabError:
                    # A part that never got ready has a fault that starting again does not mend.
                    if not (self.part.restart and self.settled.is_set()):
                        raise
                if not self.part.restart:
                    return
                self.restarts += 1
                await asyncio.sleep(_RESTART_AFTER_S)
        except LabError as error:
            self._change(PartState.FAILED, str(error))
        finally:
            self.settled.set()

    async def _once(self) -> None:
        """Run the program from start to end.

        Raises:
            LabError: It did not get ready, or ended when it must not.
        """
        environment = dict(self._environment)
        if isinstance(self.part.ready, Notifies):
            environment["NOTIFY_SOCKET"] = str(self._door)
            environment["WATCHDOG_USEC"] = str(round(self.part.ready.watchdog_s * 1_000_000))
        with self._listening():
            process = self._process = await launch(self.part, self._sandbox, environment=environment)
            ending = asyncio.create_task(process.wait())
            try:
                await self._get_ready(ending)
                if self.state is PartState.DONE:
                    return
                await self._watch(ending)
            finally:
                ending.cancel()
        if not self.part.restart:
            raise LabError(f"{self.part.name} ended by itself (status {process.returncode}), see {self.part.log}")

    async def _get_ready(self, ending: "asyncio.Task[int]") -> None:
        ready = asyncio.create_task(self._until_ready(ending))
        try:
            async with asyncio.timeout(self.part.ready_s):
                await asyncio.wait((ready, ending), return_when=asyncio.FIRST_COMPLETED)
                if isinstance(self.part.ready, Exits):
                    await asyncio.wait((ready,))
        except TimeoutError:
            await self._end_unready()
            raise LabError(f"{self.part.name} not ready in {self.part.ready_s:g} s, see {self.part.log}") from None
        finally:
            if not ready.done():
                ready.cancel()
        if not ready.done() or ready.cancelled():
            raise LabError(f"{self.part.name} ended before it was ready, see {self.part.log}")
        ready.result()
        self._change(PartState.DONE if isinstance(self.part.ready, Exits) else PartState.READY)
        self.settled.set()

    async def _end_unready(self) -> None:
        if self._process is not None:
            await self._process.stop()

    async def _until_ready(self, ending: "asyncio.Task[int]") -> None:
        match self.part.ready:
            case Exits():
                status = await asyncio.shield(ending)
                if status != 0:
                    raise LabError(f"{self.part.name} failed (status {status}), see {self.part.log}")
            case Notifies():
                await self._ready_told.wait()
            case AnswersSip() | AnswersLine() as probe:
                await until_answers(probe)
            case Succeeds(argv):
                while not await self._succeeds(argv):  # noqa: ASYNC110 - the part tells nobody
                    await asyncio.sleep(_ASK_AGAIN_S)

    async def _succeeds(self, argv: tuple[str, ...]) -> bool:
        command = self._sandbox.command(argv, uid=self.part.uid, environment=self._environment)
        asking = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            return await asking.wait() == 0
        finally:
            if asking.returncode is None:
                asking.kill()
                await asking.wait()

    async def _watch(self, ending: "asyncio.Task[int]") -> None:
        """Wait for the end of the program; kill it when its watchdog falls silent."""
        ready = self.part.ready
        while not ending.done():
            every = _WATCH_EVERY_S if isinstance(ready, Notifies) else None
            await asyncio.wait((ending,), timeout=every)
            if isinstance(ready, Notifies) and time.monotonic() - self._last_ping > ready.watchdog_s:
                self.watchdog_kills += 1
                self.process.kill()
                await ending

    @contextlib.contextmanager
    def _listening(self) -> Iterator[None]:
        """Hold the notification socket open while the part runs."""
        if not isinstance(self.part.ready, Notifies):
            yield
            return
        self._ready_told.clear()
        self._last_ping = time.monotonic()
        self._door.unlink(missing_ok=True)
        loop = asyncio.get_running_loop()
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as door:
            door.setblocking(False)
            door.bind(str(self._door))
            loop.add_reader(door, self._hear, door)
            try:
                yield
            finally:
                loop.remove_reader(door)
                self._door.unlink(missing_ok=True)

    def _hear(self, door: socket.socket) -> None:
        words = door.recv(4096).split(b"\n")
        if b"READY=1" in words:
            self._ready_told.set()
        if b"READY=1" in words or b"WATCHDOG=1" in words:
            self._last_ping = time.monotonic()

    def _change(self, state: PartState, reason: str = "") -> None:
        self.state, self.reason = state, reason
        self._said(self)
