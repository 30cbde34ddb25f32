"""One running program: started on a leash, known by its real process id, stopped, killed, frozen and thawed."""

import asyncio
import contextlib
import json
import os
import signal
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Final

from lab.errors import LabError
from lab.parts import Part
from lab.sandbox import Sandbox, leashed

_POLL_S: Final = 0.005
_FORK_S: Final = 5.0


class Process:
    """A program that runs, or ran.

    Made by `launch`. Ends with the process that started it, even when that one is killed.

    Attributes:
        pid: The program itself, as the host numbers it (not bwrap).
    """

    def __init__(self, part: Part, starter: asyncio.subprocess.Process, pid: int) -> None:
        self.part = part
        self.pid = pid
        self._starter = starter

    @property
    def returncode(self) -> int | None:
        """Exit status (128 + signal number when a signal ended it), None while it runs."""
        code = self._starter.returncode
        return code if code is None or code >= 0 else 128 - code

    async def wait(self) -> int:
        """Wait for the end; gives the exit status as `returncode` does."""
        await self._starter.wait()
        return self.returncode or 0

    def kill(self) -> None:
        """Send SIGKILL to the program; those it started end with it when it runs in the root."""
        if self.returncode is None:
            _signal((self.pid,), signal.SIGKILL)

    def freeze(self) -> None:
        """Send SIGSTOP to the program and to all it started."""
        _signal(self.pids(), signal.SIGSTOP)

    def thaw(self) -> None:
        """Send SIGCONT to the program and to all it started."""
        _signal(self.pids(), signal.SIGCONT)

    async def stop(self) -> None:
        """Ask the program to end, and kill it when it does not within its time."""
        if self.returncode is not None:
            return
        self.thaw()
        _signal((self.pid,), signal.Signals(self.part.stop_signal))
        try:
            async with asyncio.timeout(self.part.stop_s):
                await self._starter.wait()
        except TimeoutError:
            _signal(self.pids(), signal.SIGKILL)
            await self._starter.wait()

    def pids(self) -> tuple[int, ...]:
        """Give the program and everything it started, parents first."""
        return () if self.returncode is not None else tuple(family(self.pid))


async def launch(part: Part, sandbox: Sandbox, *, environment: Mapping[str, str] | None = None) -> Process:
    """Start a part; returns when the program runs (it need not be ready).

    Args:
        part: What to start.
        sandbox: Where, for a part in the root.
        environment: Added to the part's own.

    Raises:
        LabError: It could not be started, or ended at once.
    """
    added = {**part.environment, **(environment or {})}
    path = Path(part.log)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as log:  # noqa: ASYNC230 - a local file, opened once for each start
        if not part.in_root:
            starter = await _execute(part, leashed(part.argv), log, env=os.environ | added)
            return Process(part, starter, starter.pid)
        reading, writing = os.pipe()
        try:
            command = sandbox.command(part.argv, uid=part.uid, environment=added, info_fd=writing)
            starter = await _execute(part, command, log, pass_fds=(writing,))
        except LabError:
            os.close(reading)
            raise
        finally:
            os.close(writing)
    return Process(part, starter, await _program_pid(part, starter, reading))


async def _execute(part: Part, command: Sequence[str], log: BinaryIO, **options: Any) -> asyncio.subprocess.Process:
    try:
        return await asyncio.create_subprocess_exec(
            *command, stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log, **options
        )
    except OSError as error:
        raise LabError(f"{part.name}: {error}") from error


async def _program_pid(part: Part, starter: asyncio.subprocess.Process, reading: int) -> int:
    """Find the program below bwrap, which tells its child: the namespace's reaper, whose child is the program."""
    try:
        async with asyncio.timeout(_FORK_S):
            text = await _read_all(reading)
            reaper = int(json.loads(text)["child-pid"])
            while not (found := children(reaper)):
                if starter.returncode is not None:
                    return reaper  # It has ended already; there is nobody left to signal.
                await asyncio.sleep(_POLL_S)
    except (TimeoutError, ValueError, KeyError) as error:
        with contextlib.suppress(ProcessLookupError):
            starter.kill()
        await starter.wait()
        raise LabError(f"{part.name}: bwrap did not start it, see {part.log}") from error
    return found[0]


async def _read_all(reading: int) -> bytes:
    loop = asyncio.get_running_loop()
    stream = asyncio.StreamReader()
    pipe = os.fdopen(reading, "rb", 0)
    transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(stream), pipe)
    try:
        return await stream.read()
    finally:
        transport.close()


def children(pid: int) -> tuple[int, ...]:
    """Give the children of a process, oldest first; empty when it is gone."""
    try:
        tasks = sorted(Path(f"/proc/{pid}/task").iterdir(), key=lambda task: int(task.name))
        return tuple(int(child) for task in tasks for child in (task / "children").read_text().split())
    except OSError:
        return ()


def family(pid: int) -> Iterator[int]:
    """Give a process and all its descendants, parents first."""
    yield pid
    for child in children(pid):
        yield from family(child)


def _signal(pids: Iterable[int], number: signal.Signals) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
