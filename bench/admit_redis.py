"""A Redis of the private root for one run, and redis-benchmark beside it."""

import csv
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from bench._measure import START_S, pinned
from lab.redis import QUICK_HASHES
from lab.root import need_root
from lab.sandbox import Sandbox
from tieline.live import Script
from trunk_config.admission_steps import KEYS

CLIENTS: Final = 50
_RUN_S: Final = 120.0
CHANNEL: Final = "fuzhou-1-1795249002.__rand_int__"
"""redis-benchmark puts a number in, below what `-r` says."""


class BenchRedis:
    """A running Redis.

    Attributes:
        port: On 127.0.0.1.
        version: E.g. `8.0.2`.
    """

    def __init__(self, sandbox: Sandbox, port: int) -> None:
        self.port = port
        told = subprocess.run(
            sandbox.command(["/usr/bin/redis-server", "--version"]), capture_output=True, text=True, check=True
        )
        self.version = told.stdout.partition("v=")[2].split()[0]
        self._sandbox = sandbox

    def url(self, database: int = 0) -> str:
        """Give what `tieline.live.Live` takes."""
        return f"redis://127.0.0.1:{self.port}/{database}"

    def rate_of(self, script: Script, arguments: Sequence[str], *, runs: int) -> float:
        """Let redis-benchmark run a script from 50 connections, one command at a time; gives runs a second.

        Raises:
            RuntimeError: It failed.
        """
        command = ["EVALSHA", script.sha, str(len(KEYS)), *KEYS, *arguments]
        tool = ["/usr/bin/redis-benchmark", "-h", "127.0.0.1", "-p", str(self.port), "-c", str(CLIENTS), "-P", "1"]
        told = subprocess.run(
            self._sandbox.command([*tool, "-n", str(runs), "-r", str(runs), "--csv", *command]),
            capture_output=True,
            text=True,
            timeout=_RUN_S,
            check=False,
        )
        return rate_in(told.stdout)


def rate_in(text: str) -> float:
    """Read the requests a second out of what `redis-benchmark --csv` prints: a heading, then one line.

    Raises:
        RuntimeError: There is no such line: it failed.
    """
    rows = list(csv.DictReader(line for line in text.splitlines() if line.startswith('"')))
    if len(rows) != 1 or "rps" not in rows[0]:
        raise RuntimeError(f"redis-benchmark failed: {text[:500]!r}")
    return float(rows[0]["rps"])


@contextmanager
def bench_redis(cpu: int | None) -> Iterator[BenchRedis]:
    """Run a Redis for one bench, on one processor if there are several; nothing is left behind.

    Raises:
        LabError: There is no private root.
        RuntimeError: It did not start.
    """
    sandbox = Sandbox(need_root())
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    redis = BenchRedis(sandbox, port)
    arguments = ["--bind", "127.0.0.1", "--port", str(port), "--save", "", "--appendonly", "no"]
    arguments += f"--{QUICK_HASHES}".split()
    with pinned(cpu):  # a child stays where its parent was
        process = subprocess.Popen(sandbox.command(["/usr/bin/redis-server", *arguments]), stdout=subprocess.DEVNULL)
    try:
        _await(process, port)
        yield redis
    finally:
        process.kill()
        process.wait()


def _await(process: "subprocess.Popen[bytes]", port: int) -> None:
    end = time.monotonic() + START_S
    while time.monotonic() < end and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise RuntimeError("redis-server did not start")
