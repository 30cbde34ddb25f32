"""The sounds directory: paths in it, and the lock that one writer at a time holds."""

import fcntl
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ivr_prompts.manifest import EXTENSION
from tieline.errors import NotReady


def sound_path(sounds: Path, name: str) -> Path:
    """Give the file of a sound such as `mandarin/greeting`."""
    return sounds / f"{name}{EXTENSION}"


def file_hash(path: Path) -> str:
    """Give the SHA-256 of a file, hexadecimal; empty when there is none."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except FileNotFoundError:
        return ""


@contextmanager
def lock_sounds(sounds: Path) -> Iterator[None]:
    """Hold a sounds directory for writing, and clear what a killed writer left.

    Raises:
        NotReady: Somebody else holds it.
    """
    sounds.mkdir(parents=True, exist_ok=True)
    with (sounds / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise NotReady(f"another build or import works on {sounds}") from error
        for draft in (*sounds.rglob(f".*{EXTENSION}.*"), *sounds.glob(".manifest.json.*")):
            draft.unlink(missing_ok=True)
        yield
