"""Talking to a lab's supervisor, and starting one."""

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from lab.errors import LabError
from lab.leftovers import MARK, processes_of
from lab.parts import Orders, Part, encode_orders
from lab.root import Say
from lab.supervisor import ORDERS, SOCKET, Answer, Request

_APPEAR_S: Final = 20.0
_GONE_S: Final = 60.0
_LOOK_S: Final = 0.02


class LabClient:
    """A lab, seen from outside.

    Args:
        state: The lab's state directory (absolute).
    """

    def __init__(self, state: Path) -> None:
        self.state = state
        self._supervisor: subprocess.Popen[bytes] | None = None

    def is_up(self) -> bool:
        """Whether a supervisor answers."""
        try:
            self.ask(Request(do="status"), timeout_s=10)
        except LabError:
            return False
        return True

    def expect_down(self) -> None:
        """Refuse to go on while the lab is up.

        Raises:
            LabError: It is.
        """
        if self.is_up():
            raise LabError(f"the lab in {self.state} is up already; `tieline lab down` ends it")

    def ask(self, request: Request, *, timeout_s: float = 30.0) -> Answer:
        """Send a request and give its last answer.

        Raises:
            LabError: No lab is up, it did not answer in time, or it refused.
        """
        last = Answer(ok=False, error="the lab ended")
        for answer in self._answers(request, timeout_s):
            last = answer
        if last.error:
            raise LabError(last.error)
        return last

    def up(self, orders: Orders, say: Say, *, wrapper: tuple[str, ...] = ()) -> Answer:
        """Start a supervisor with these orders and wait until each part is ready or failed.

        Args:
            orders: What to run.
            say: Gets each line of progress.
            wrapper: Command that runs the supervisor in other surroundings (a network namespace).

        Raises:
            LabError: A lab is up already, or the supervisor did not start.
        """
        self.state.mkdir(parents=True, exist_ok=True)
        self.expect_down()
        (self.state / ORDERS).write_bytes(encode_orders(orders))
        log = self.state / "supervisor.log"
        with log.open("wb") as output:
            # setsid forks: the supervisor is nobody's child, so nobody has to wait for it.
            subprocess.run(
                ["setsid", "--fork", *wrapper, sys.executable, "-m", "lab.supervisor", str(self.state)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=_home(),
                env=os.environ | {MARK: str(self.state)},
                check=True,
            )
        self._wait_for_door(log)
        last = Answer(ok=False, error="the lab ended")
        for answer in self._answers(Request(do="follow"), timeout_s=300):
            if answer.progress:
                say(answer.progress)
            last = answer
        return last

    def down(self) -> None:
        """End the lab; returns when none of its processes is left. No lab is no error.

        Raises:
            LabError: Processes are left.
        """
        with contextlib.suppress(LabError):
            self.ask(Request(do="stop"))
        deadline = time.monotonic() + _GONE_S
        while left := processes_of(self.state):
            if time.monotonic() > deadline:
                raise LabError(f"processes left of the lab in {self.state}: {left}")
            time.sleep(_LOOK_S)
        if self._supervisor is not None:
            self._supervisor.wait(_GONE_S)
            self._supervisor = None

    def run(self, part: Part) -> int:
        """Run a program beside the lab to its end; gives its exit status, -1 when it took too long.

        Raises:
            LabError: No lab is up, or the program could not be started.
        """
        return self.ask(Request(do="run", part=part), timeout_s=part.ready_s + part.stop_s + 10).status

    def _wait_for_door(self, log: Path) -> None:
        deadline = time.monotonic() + _APPEAR_S
        while not self.is_up():
            if time.monotonic() > deadline or (log.stat().st_size and not processes_of(self.state)):
                raise LabError(f"the lab did not start: {log.read_text(errors='replace').strip() or log}")
            time.sleep(_LOOK_S)

    def _answers(self, request: Request, timeout_s: float) -> Iterator[Answer]:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as door:
            door.settimeout(timeout_s)
            try:
                door.connect(str(self.state / SOCKET))
                door.sendall(msgspec.json.encode(request) + b"\n")
                with door.makefile("rb") as lines:
                    for line in lines:
                        yield msgspec.json.decode(line, type=Answer)
            except TimeoutError:
                raise LabError(f"the lab did not answer within {timeout_s:g} s") from None
            except OSError as error:
                text = f"no lab is up in {self.state} ({error.strerror or error}); `tieline lab up` starts one"
                raise LabError(text) from None


def _home() -> Path:
    """The checkout: `python -m lab.supervisor` and `tieline` are found from here."""
    return Path(__file__).resolve().parent.parent
