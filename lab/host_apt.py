"""Asking this host's apt. Imports nothing but the standard library, so that it runs before anything is installed."""

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

from lab.archive import INDEX_FORMAT, archives_from_index, archives_from_sources, proxy_options


def archives() -> tuple[str, ...]:
    """Give the Debian archives of this host, best first; empty when it has none.

    Raises:
        FileNotFoundError: The host has no apt.
    """
    known = archives_from_index(_output("apt-get", "indextargets", "--format", INDEX_FORMAT).splitlines())
    return known or archives_from_sources(_sources())


def proxies() -> tuple[str, ...]:
    """Give this host's proxy and certificate settings, each in the form of an apt option.

    Raises:
        FileNotFoundError: The host has no apt.
    """
    return proxy_options(_output("apt-config", "dump").splitlines())


def _sources() -> Iterator[str]:
    apt = Path("/etc/apt")
    parts = apt / "sources.list.d"
    for path in (apt / "sources.list", *sorted(parts.glob("*.list")), *sorted(parts.glob("*.sources"))):
        with contextlib.suppress(OSError):
            yield path.read_text()


def _output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60).stdout
