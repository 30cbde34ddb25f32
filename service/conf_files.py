"""Installed configuration beside what it should be: what differs, told without secrets, and swapped as a whole."""

import difflib
import re
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from service.render import Rendering, write_private

_SECRET: Final = re.compile(r"^([-+ ]?\s*(?:secret|password)\s*=).*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class ChangedFile:
    """A file that is not as it should be.

    Attributes:
        owner: The node or edge that reads it.
        former: What is installed, None for a file that is not there.
        text: What should be.
    """

    owner: str
    path: Path
    former: str | None
    text: str

    @property
    def name(self) -> str:
        """How it is called before people: `fuzhou-1/pjsip.conf`."""
        return f"{self.owner}/{self.path.name}"


def changed_files(rendering: Rendering, only: Collection[str] = ()) -> list[ChangedFile]:
    """Compare what is installed with what should be, in a fixed order.

    Args:
        rendering: What should be.
        only: Nodes and edges to look at; empty for all.
    """
    plan = rendering.plan
    owners = {paths.etc: str(node) for node, paths in plan.paths.items()}
    owners |= {directory: edge for edge, directory in plan.edge_dirs.items()}
    found = []
    for path, text in sorted(rendering.files.items()):
        owner = owners[path.parent]
        former = path.read_text(encoding="utf-8") if path.exists() else None
        if former != text and (not only or owner in only):
            found.append(ChangedFile(owner, path, former, text))
    return found


def difference(changed: ChangedFile) -> str:
    """Tell how a file differs, as a unified diff with the secrets masked."""
    before = changed.former or ""
    lines = difflib.unified_diff(
        before.splitlines(keepends=True),
        changed.text.splitlines(keepends=True),
        fromfile=changed.name if changed.former is not None else "/dev/null",
        tofile=changed.name,
    )
    return _SECRET.sub(r"\1 ***", "".join(lines))


class Swap:
    """Puts files in place, each by a rename, and back again. What was there is kept as `.<name>.former`."""

    def __init__(self, changes: Sequence[ChangedFile]) -> None:
        self._changes = changes
        self._put: list[ChangedFile] = []

    def stage(self) -> None:
        """Write every file beside its place: a full disk is found out before anything is changed."""
        for change in self._changes:
            change.path.parent.mkdir(parents=True, exist_ok=True)
            write_private(staged(change), change.text)

    def put(self) -> None:
        """Put every staged file in its place."""
        for change in self._changes:
            if change.former is not None:
                write_private(_kept(change), change.former)
            staged(change).replace(change.path)
            self._put.append(change)

    def put_back(self) -> None:
        """Make everything as it was, and remove what was staged."""
        for change in self._put:
            if change.former is None:
                change.path.unlink()
            else:
                _kept(change).replace(change.path)
        self._put.clear()
        for change in self._changes:
            with suppress(FileNotFoundError):
                staged(change).unlink()


def staged(change: ChangedFile) -> Path:
    """Say where a file waits before it is put in place."""
    return change.path.with_name(f".{change.path.name}.next")


def by_owner(changes: Sequence[ChangedFile]) -> Iterator[tuple[str, dict[str, ChangedFile]]]:
    """Group changed files by node or edge, each by its plain name."""
    for owner in sorted({change.owner for change in changes}):
        yield owner, {change.path.name: change for change in changes if change.owner == owner}


def _kept(change: ChangedFile) -> Path:
    return change.path.with_name(f".{change.path.name}.former")
