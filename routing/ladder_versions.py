"""Versions of the ladders, the same for all sites: in force is the newest; nothing is changed or removed. Pure."""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from tieline.errors import ConfigError, Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class LadderVersion:
    """One version of the ladders. It took the place of `version - 1`.

    Attributes:
        version: 1, 2, 3 …; 0 is the file that ships with Tieline.
        text: The whole file.
        by: Who made it, as in the audit trail.
        why: The reason given.
        at: When, Unix seconds.
    """

    version: int
    text: str
    by: str
    why: str
    at: float


class Refused(StrEnum):
    """Why the ladders were not changed."""

    FORBIDDEN = "forbidden"
    STALE = "stale_base"
    """Somebody else was faster; the difference is told."""
    INVALID = "invalid"
    UNREADABLE = "unreadable"
    """It could not even be read as a change."""


class LaddersRefused(ConfigError):
    """A change of the ladders is refused as a whole, and the attempt is in the audit trail."""

    def __init__(
        self, kind: Refused, problems: Sequence[Problem], *, newest: int = 0, difference: Sequence[str] = ()
    ) -> None:
        """Remember every reason.

        Args:
            kind: The kind of the gravest one.
            problems: All of them.
            newest: The version in force.
            difference: From the base of the change to the newest version, line by line, when the base is stale.
        """
        super().__init__("ladders not changed", problems)
        self.kind, self.newest, self.difference = kind, newest, tuple(difference)


def difference(before: LadderVersion, after: LadderVersion) -> list[str]:
    """List the lines that are not the same, as `diff -u` does."""
    names = (f"version {before.version}", f"version {after.version}")
    return list(difflib.unified_diff(before.text.splitlines(), after.text.splitlines(), *names, lineterm="", n=1))
