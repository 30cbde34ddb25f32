"""Running espeak-ng and sox: the host's own, or those of a private root by bubblewrap. Audio goes through pipes."""

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tieline.errors import DeadlineExceeded, TielineError

TOOL_DEADLINE_S: Final = 30.0
"""One call of a tool takes some 20 ms; after this it is stuck, and the build fails."""


class ToolFailed(TielineError):
    """A tool is not there, or refused its input."""

    def __init__(self, tool: str, said: str) -> None:
        """Remember the tool and the end of what it said."""
        super().__init__(tool, said)
        self.tool = tool
        self.said = said

    def __str__(self) -> str:
        """Name the tool and what it said."""
        return f"{self.tool} failed: {self.said or 'it said nothing'}"


@dataclass(frozen=True, slots=True)
class ToolRunner:
    """Starts tools.

    Attributes:
        prefix: Words put before each command, e.g. those of `in_root`; none for the host's own tools.
    """

    prefix: tuple[str, ...] = ()

    @classmethod
    def in_root(cls, root: Path) -> "ToolRunner":
        """Run tools inside a private root, which needs bubblewrap on the host."""
        words = ("bwrap", "--bind", str(root), "/", "--dev", "/dev", "--proc", "/proc", "--die-with-parent", "--")
        return cls(words)

    def run(self, command: Sequence[str], given: bytes = b"") -> bytes:
        """Run one command and give what it writes.

        Args:
            command: Program and arguments; no shell reads them.
            given: Bytes for its standard input.

        Raises:
            ToolFailed: It cannot be started, or ends with an error.
            DeadlineExceeded: It did not end within `TOOL_DEADLINE_S`.
        """
        try:
            done = subprocess.run(
                [*self.prefix, *command], input=given, capture_output=True, timeout=TOOL_DEADLINE_S, check=False
            )
        except OSError as error:
            raise ToolFailed(error.filename or command[0], error.strerror or str(error)) from error
        except subprocess.TimeoutExpired as error:
            raise DeadlineExceeded(command[0], TOOL_DEADLINE_S) from error
        if done.returncode != 0:
            raise ToolFailed(command[0], done.stderr.decode(errors="replace").strip()[-300:])
        return done.stdout
