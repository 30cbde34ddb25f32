"""A real PostgreSQL for tests, run from the private root; one server a test session, one fresh database a test.

Use it by importing the fixtures `postgres` and `postgres_url` into a `conftest.py`. Where the private root is absent
the tests fail: `TIELINE_ROOT` names it, `.tieline/root` otherwise.
"""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

USER = "tieline"
_START_S = 60
_STOP_S = 20


class PostgresServer:
    """One server on a Unix socket in a temporary directory of its own."""

    def __init__(self) -> None:
        root = Path(os.environ.get("TIELINE_ROOT") or Path(__file__).parents[2] / ".tieline/root").absolute()
        binaries = sorted(root.glob("usr/lib/postgresql/*/bin/postgres"))
        if not binaries:
            raise RuntimeError(f"no PostgreSQL under {root}: make the private root, or set TIELINE_ROOT")
        self._programs = Path("/") / binaries[-1].parent.relative_to(root)
        # Not pytest's own temporary directory: a socket's path may have 107 characters.
        self.folder = Path(tempfile.mkdtemp(prefix="tieline-pg-"))
        # PostgreSQL refuses to run as root and wants to know its user's name, so it gets a user namespace and a
        # passwd of its own.
        passwd = self.folder / "passwd"
        passwd.write_text(f"{USER}:x:1000:1000::/:/bin/false\n")
        self._inside = [
            *("bwrap", "--die-with-parent", "--unshare-user", "--uid", "1000", "--gid", "1000"),
            *("--bind", str(root), "/", "--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp"),
            *("--bind", str(self.folder), str(self.folder), "--ro-bind", str(passwd), "/etc/passwd"),
        ]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Make a cluster, start the server and wait until it says that it is ready."""
        cluster = self.folder / "cluster"
        options = ("--auth=trust", f"--username={USER}", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync")
        command = [*self._inside, str(self._programs / "initdb"), f"--pgdata={cluster}", *options]
        made = subprocess.run(command, capture_output=True, timeout=_START_S, check=False)
        if made.returncode:
            raise RuntimeError(f"initdb failed: {made.stderr.decode(errors='replace')}")
        settings = f"""
            listen_addresses = ''
            unix_socket_directories = '{self.folder}'
            fsync = off
            full_page_writes = off
            wal_level = minimal
            max_wal_senders = 0
            synchronous_commit = off
            max_connections = 40
            shared_buffers = 16MB
            """
        (cluster / "postgresql.auto.conf").write_text(settings)
        # Debian's server tells systemd when it is ready (sd_notify): we stand in for systemd.
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ready, (self.folder / "log").open("wb") as log:
            ready.bind(str(self.folder / "ready"))
            ready.settimeout(_START_S)
            self._process = subprocess.Popen(
                [*self._inside, str(self._programs / "postgres"), "-D", str(cluster)],
                env=os.environ | {"NOTIFY_SOCKET": str(self.folder / "ready")},
                stdout=log,
                stderr=log,
            )
            try:
                while b"READY=1" not in ready.recv(4096):
                    pass
            except TimeoutError:
                raise RuntimeError(f"postgres did not start: {(self.folder / 'log').read_text()}") from None

    def url(self, database: str) -> str:
        """Give the SQLAlchemy URL of a database."""
        return f"postgresql+psycopg://{USER}@/{database}?host={self.folder}"

    def execute(self, statement: str) -> None:
        """Run a statement as the owner of everything, outside any transaction."""
        with psycopg.connect(host=str(self.folder), user=USER, dbname="postgres", autocommit=True) as connection:
            connection.execute(statement.encode())

    def stop(self) -> None:
        """End the server, by its own pid, and remove its directory."""
        if self._process is not None:
            pid = int((self.folder / "cluster/postmaster.pid").read_text().split()[0])
            os.kill(pid, signal.SIGINT)  # fast shutdown: open connections are ended
            self._process.wait(_STOP_S)
        shutil.rmtree(self.folder)


class _Shared:
    """The one server of the session, however many folders import the fixtures."""

    server: PostgresServer | None = None
    users = 0


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """Give the session's PostgreSQL; fails where there is none."""
    if _Shared.server is None:
        server = PostgresServer()
        try:
            server.start()
        except BaseException:
            server.stop()
            raise
        _Shared.server = server
    _Shared.users += 1
    yield _Shared.server
    _Shared.users -= 1
    if _Shared.users == 0:
        _Shared.server.stop()
        _Shared.server = None


@pytest.fixture
def postgres_url(postgres: PostgresServer) -> Iterator[str]:
    """Give the URL of a fresh, empty database, dropped after the test."""
    name = f"test_{uuid4().hex}"
    postgres.execute(f"CREATE DATABASE {name} STRATEGY = file_copy")
    yield postgres.url(name)
    postgres.execute(f"DROP DATABASE {name} WITH (FORCE)")
