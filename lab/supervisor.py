"""The long-lived process that holds a lab: every part is its child and ends with it, however it ends.

Started by `lab.client` as `python -m lab.supervisor STATE`; reads `STATE/orders.json`, takes requests on
`STATE/lab.sock`. It knows parts and nothing of telephony: what to run is decided by whoever writes the orders.
"""

import asyncio
import contextlib
import fcntl
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from lab.errors import LabError
from lab.keeper import Keeper
from lab.leftovers import is_loopback, listening, processes_of
from lab.parts import Exits, Orders, Part, PartState, decode_orders
from lab.process import launch
from lab.sandbox import Sandbox

SOCKET: Final = "lab.sock"
ORDERS: Final = "orders.json"
LOCK: Final = "lab.lock"
LONGEST_LINE: Final = 4 * 1024 * 1024
_OLD_PROCESSES_S: Final = 10.0


class Request(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line from a client.

    Attributes:
        do: status, follow (progress until all parts settled), stop, start, halt, kill, freeze, thaw, run.
        name: The part meant, for start, halt, kill, freeze and thaw.
        part: What to run to its end, for run.
    """

    do: str
    name: str = ""
    part: Part | None = None


class PartStatus(msgspec.Struct, frozen=True, kw_only=True):
    """How one part is."""

    name: str
    state: PartState
    pid: int | None
    restarts: int
    watchdog_kills: int
    reason: str


class Answer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line to a client; a request gets any number of `progress` lines and then one with `done`."""

    done: bool = True
    ok: bool = True
    error: str = ""
    progress: str = ""
    parts: tuple[PartStatus, ...] = ()
    listening: tuple[str, ...] = ()
    exposed: tuple[str, ...] = ()
    status: int = 0
    up_s: float = 0.0


class Supervisor:
    """Runs the parts of one lab.

    Args:
        state: The lab's directory; sockets and the lock live here.
        orders: What to run.
    """

    def __init__(self, state: Path, orders: Orders) -> None:
        self._state = state
        self._sandbox = Sandbox(
            Path(orders.places.root),
            tuple(Path(path) for path in orders.places.readable),
            tuple(Path(path) for path in orders.places.writable),
        )
        self._environment: dict[str, str] = {}
        self._keepers = {part.name: self._keeper(part) for part in orders.parts}
        self._listeners: set[asyncio.Queue[str]] = set()
        self._stopping = asyncio.Event()
        self._clients: set[asyncio.Task[None]] = set()
        self._began = time.monotonic()

    async def run(self) -> None:
        """Start everything, serve requests until told to stop, then end everything in reverse order."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stopping.set)
        await self._wait_for_old_processes()
        server = await asyncio.start_unix_server(self._serve, str(self._state / SOCKET), limit=LONGEST_LINE)
        starting = [asyncio.create_task(self._start_in_turn(keeper)) for keeper in self._keepers.values()]
        try:
            await self._stopping.wait()
        finally:
            for task in starting:
                task.cancel()
            await asyncio.gather(*starting, return_exceptions=True)
            await self._stop_all()
            server.close()
            await asyncio.gather(*self._clients, return_exceptions=True)
            (self._state / SOCKET).unlink(missing_ok=True)

    def _keeper(self, part: Part) -> Keeper:
        return Keeper(part, self._sandbox, self._environment, self._state, self._tell)

    def _tell(self, keeper: Keeper) -> None:
        for queue in self._listeners:
            queue.put_nowait(f"{keeper.part.name}: {keeper.reason or keeper.state}")

    async def _wait_for_old_processes(self) -> None:
        """A supervisor that was killed takes its children with it, but that takes the kernel a moment."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_OLD_PROCESSES_S):
                while set(processes_of(self._state)) - {os.getpid()}:  # noqa: ASYNC110 - the kernel tells nobody
                    await asyncio.sleep(0.02)

    async def _start_in_turn(self, keeper: Keeper) -> None:
        for name in keeper.part.after:
            needed = self._keepers[name]
            await needed.settled.wait()
            if not needed.is_up:
                keeper.give_up(f"{keeper.part.name} not started: {name} {needed.state}")
                return
        keeper.start()

    async def _stop_all(self) -> None:
        """Stop dependants before what they depend on; those that nothing depends on stop together."""
        left = dict(self._keepers)
        while left:
            needed = {name for keeper in left.values() for name in keeper.part.after}
            turn = [name for name in left if name not in needed]
            await asyncio.gather(*(left.pop(name).stop() for name in turn))

    # Requests ------------------------------------------------------------------------------------------------

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._clients.add(task)
            task.add_done_callback(self._clients.discard)
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            try:
                line = await reader.readuntil(b"\n")
                await self._answer(msgspec.json.decode(line, type=Request), writer)
            except (LabError, msgspec.MsgspecError) as error:
                await _send(writer, Answer(ok=False, error=str(error)))
            finally:
                writer.close()

    async def _answer(self, request: Request, writer: asyncio.StreamWriter) -> None:
        match request.do:
            case "status":
                await _send(writer, self._status())
            case "follow":
                await self._follow(writer)
            case "stop":
                self._stopping.set()
                await _send(writer, Answer())
            case "run" if request.part is not None:
                await _send(writer, Answer(status=await self._run_once(request.part)))
            case "start" | "halt" | "kill" | "freeze" | "thaw":
                await self._drill(request.do, self._named(request.name))
                await _send(writer, self._status())
            case _:
                raise LabError(f"no such request: {request.do}")

    async def _drill(self, what: str, keeper: Keeper) -> None:
        match what:
            case "start":
                keeper.start()
                await keeper.settled.wait()
            case "halt":
                await keeper.stop()
            case "kill":
                keeper.process.kill()
            case "freeze":
                keeper.freeze()
            case _:
                keeper.thaw()

    def _named(self, name: str) -> Keeper:
        if name not in self._keepers:
            raise LabError(f"no part {name!r}; there are {', '.join(self._keepers)}")
        return self._keepers[name]

    async def _follow(self, writer: asyncio.StreamWriter) -> None:
        queue: asyncio.Queue[str] = asyncio.Queue()
        self._listeners.add(queue)
        settled = asyncio.create_task(self._all_settled())
        try:
            while not (settled.done() and queue.empty()):
                getting = asyncio.create_task(queue.get())
                await asyncio.wait((getting, settled), return_when=asyncio.FIRST_COMPLETED)
                if getting.done():
                    await _send(writer, Answer(done=False, progress=getting.result()))
                else:
                    getting.cancel()
            await _send(writer, self._status())
        finally:
            settled.cancel()
            self._listeners.discard(queue)

    async def _all_settled(self) -> None:
        for keeper in self._keepers.values():
            await keeper.settled.wait()

    async def _run_once(self, part: Part) -> int:
        """Run a program beside the lab to its end (calls, checks); gives its exit status, -1 when it was cut off."""
        if not isinstance(part.ready, Exits):
            raise LabError(f"{part.name}: only a part that ends can be run")
        process = await launch(part, self._sandbox, environment=self._environment)
        try:
            async with asyncio.timeout(part.ready_s):
                return await process.wait()
        except TimeoutError:
            return -1
        finally:
            await process.stop()

    def _status(self) -> Answer:
        found = listening(pid for pid in processes_of(self._state) if pid != os.getpid())
        return Answer(
            ok=all(keeper.is_up for keeper in self._keepers.values()),
            parts=tuple(_status_of(keeper) for keeper in self._keepers.values()),
            listening=tuple(str(address) for address in sorted(found)),
            exposed=tuple(str(address) for address in sorted(found) if not is_loopback(address)),
            up_s=round(time.monotonic() - self._began, 3),
        )


def _status_of(keeper: Keeper) -> PartStatus:
    return PartStatus(
        name=keeper.part.name,
        state=keeper.state,
        pid=keeper.pid,
        restarts=keeper.restarts,
        watchdog_kills=keeper.watchdog_kills,
        reason=keeper.reason,
    )


async def _send(writer: asyncio.StreamWriter, answer: Answer) -> None:
    writer.write(msgspec.json.encode(answer) + b"\n")
    await writer.drain()


@contextlib.contextmanager
def alone(state: Path) -> Iterator[None]:
    """Hold the lab's lock: a lab has one supervisor.

    Raises:
        LabError: Another one has it.
    """
    with (state / LOCK).open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LabError(f"the lab in {state} is up already") from None
        (state / SOCKET).unlink(missing_ok=True)
        yield


def main(arguments: list[str]) -> int:
    """Hold the lab whose state directory is the only argument, until told to stop."""
    state = Path(arguments[0])
    try:
        with alone(state):
            orders = decode_orders((state / ORDERS).read_bytes())
            asyncio.run(Supervisor(state, orders).run())
    except LabError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
