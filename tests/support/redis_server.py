"""A throw-away Redis from the private root on a free loopback port; nothing is left behind.

`TIELINE_ROOT` names the root, else `.tieline/root` under the repository. Without it the tests that need Redis fail.
"""

import contextlib
import os
import select
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

START_S = 20.0
READY = b"Ready to accept connections"


def private_root() -> Path:
    """Give the private root, or fail when it is not there."""
    named = os.environ.get("TIELINE_ROOT")
    root = Path(named) if named else Path(__file__).parents[2] / ".tieline" / "root"
    if not (root / "usr/bin/redis-server").exists():
        raise AssertionError(f"no private root with redis at {root}")
    return root


def free_port() -> int:
    """Give a TCP port that is free on 127.0.0.1 now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class RedisServer:
    """One redis-server process: `start`, `stop` (as if the machine lost power), start again on the same port.

    Attributes:
        url: What `tieline.live.Live` takes.
    """

    def __init__(self, folder: Path, port: int) -> None:
        self.url = f"redis://127.0.0.1:{port}/0"
        self._folder, self._port = folder, port
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start and wait until it answers."""
        self._process = subprocess.Popen(
            [
                "bwrap", "--ro-bind", str(private_root()), "/", "--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp",
                "--bind", str(self._folder), "/tmp", "--die-with-parent", "--chdir", "/tmp", "/usr/bin/redis-server",
                "--bind", "127.0.0.1", "--port", str(self._port), "--save", "", "--appendonly", "no",
            ],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        _await_ready(self._process)

    def stop(self) -> None:
        """Kill it; what it held is lost."""
        if self._process is not None:
            with socket.create_connection(("127.0.0.1", self._port), 1) as until_its_end:
                # bwrap dies at once; --die-with-parent takes redis-server with it, and that ends the connection.
                self._process.kill()
                self._process.wait(10)
                until_its_end.settimeout(START_S)
                with contextlib.suppress(ConnectionError):
                    until_its_end.recv(1)
            self._process = None


def _await_ready(process: subprocess.Popen[bytes]) -> None:
    """Read what it tells until it is ready; what it tells later nobody reads, and Redis ignores SIGPIPE."""
    assert process.stdout is not None
    told, end = b"", time.monotonic() + START_S
    with process.stdout as pipe:
        while READY not in told:
            readable, _, _ = select.select([pipe], [], [], max(0.0, end - time.monotonic()))
            piece = os.read(pipe.fileno(), 65536) if readable else b""
            assert piece, f"redis-server ended, or was not ready in time: {told.decode()}"
            told += piece


@contextlib.contextmanager
def redis_server() -> Iterator[RedisServer]:
    """Run a Redis for one test, or for a module's tests."""
    folder = Path(tempfile.mkdtemp(prefix="tieline-redis-"))
    server = RedisServer(folder, free_port())
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
