"""Shared by the benches: subjects in processes of their own, their CPU time, quantiles."""

import math
import os
import resource
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

import msgspec

START_S: Final = 20.0
"""How long a subject may take to start."""


class Subject(msgspec.Struct, frozen=True):
    """A running subject.

    Attributes:
        pid: Its process.
        ready: What it printed when it was ready, e.g. its port.
        asks: Its standard input.
        answers: Its standard output.
    """

    pid: int
    ready: str
    asks: IO[str]
    answers: IO[str]

    def ask(self) -> str:
        """Send it an empty line and give the line that it answers, for subjects that answer."""
        self.asks.write("\n")
        self.asks.flush()
        return self.answers.readline().strip()

    def cpu_ns(self) -> int:
        """CPU time of all its threads so far, nanoseconds (Linux, /proc/PID/task/TID/schedstat)."""
        threads = Path(f"/proc/{self.pid}/task").iterdir()
        return sum(int((thread / "schedstat").read_text().split()[0]) for thread in threads)


@contextmanager
def subject(module: str, *arguments: str, cpu: int | None) -> Iterator[Subject]:
    """Run `python -m module arguments`, wait for its first line, and end it afterwards.

    Args:
        module: A module that prints one line when it is ready and ends when its input does.
        arguments: Its arguments.
        cpu: The processor it shall stay on, or None.

    Raises:
        RuntimeError: It ended before it was ready.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", module, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin is not None  # noqa: S101 - both are pipes
    assert process.stdout is not None  # noqa: S101
    try:
        if cpu is not None:
            os.sched_setaffinity(process.pid, {cpu})
        ready = process.stdout.readline().strip()
        if not ready:
            raise RuntimeError(f"{module} {' '.join(arguments)} did not start")
        yield Subject(process.pid, ready, process.stdin, process.stdout)
    finally:
        process.stdin.close()
        try:
            process.wait(START_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()


def two_cpus() -> tuple[int, int] | tuple[None, None]:
    """Choose a processor for the subject and one for the load; none when there is only one."""
    usable = sorted(os.sched_getaffinity(0))
    return (usable[1], usable[0]) if len(usable) > 1 else (None, None)


@contextmanager
def pinned(cpu: int | None) -> Iterator[None]:
    """Keep this process on one processor for a while."""
    before = os.sched_getaffinity(0)
    if cpu is not None:
        os.sched_setaffinity(0, {cpu})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def allow_many_files() -> None:
    """Raise this process's limit of open files as far as it may."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def quantile(values: Sequence[float], q: float) -> float:
    """Give the smallest value that is not below the share `q` of all values.

    >>> quantile([4.0, 1.0, 3.0, 2.0], 0.5)
    2.0
    """
    ordered = sorted(values)
    return ordered[max(0, math.ceil(q * len(ordered) - 1e-9) - 1)]  # 0.99 of 100 is a hair above 99
