"""A lab's supervisor with a few parts, for tests: started for one test, certainly gone after it."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from lab.client import LabClient
from lab.leftovers import processes_of
from lab.parts import AnswersLine, Orders, Part, Places
from tests.support.redis_server import free_port, private_root
from tieline.topology import Address


def redis_part(state: Path, name: str = "redis", *, restart: bool = False, after: tuple[str, ...] = ()) -> Part:
    """Make a Redis on a free port of 127.0.0.1."""
    address = Address("127.0.0.1", free_port())
    return Part(
        name=name,
        argv=("redis-server", "--bind", address.host, "--port", str(address.port), "--save", "", "--dir", str(state)),
        ready=AnswersLine(address, b"PING\r\n", b"+PONG"),
        log=str(state / f"{name}.log"),
        restart=restart,
        after=after,
    )


def orders_of(state: Path, *parts: Part) -> Orders:
    """Make orders for parts in the private root that see `state` alone."""
    return Orders(places=Places(root=str(private_root()), writable=(str(state),)), parts=parts)


@contextlib.contextmanager
def lab_client(state: Path) -> Iterator[LabClient]:
    """Give a client; whatever the test did, nothing of the lab is left afterwards."""
    client = LabClient(state)
    try:
        yield client
    finally:
        client.down()
        assert processes_of(state) == ()


def is_alive(pid: int) -> bool:
    """Tell whether a process is there and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def send(pid: int, number: int) -> None:
    """Send a signal to a process that the test started."""
    os.kill(pid, number)
