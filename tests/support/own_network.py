"""A network namespace for a test and all that it starts: there the link between two sites can be cut. Needs root."""

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from lab.own_network import loopback_up

_NEW_NETWORK: Final = 0x40000000
"""CLONE_NEWNET of unshare(2)."""


@contextmanager
def own_network() -> Iterator[None]:
    """Be in a fresh network with nothing but its loopback: this thread, the threads and programs it starts."""
    libc = ctypes.CDLL(None, use_errno=True)
    with Path("/proc/thread-self/ns/net").open() as before:
        _succeed(libc.unshare(_NEW_NETWORK))
        try:
            loopback_up()
            yield
        finally:
            _succeed(libc.setns(before.fileno(), _NEW_NETWORK))


def _succeed(status: int) -> None:
    if status:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
