"""Versions of the ladders, the same for all sites: in force is the newest; nothing is changed or removed. Pure."""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass

from tieline.errors import Problem
from tieline.refused import DeskName, Kind, Refused


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


def not_changed(
    kind: Kind, problems: Sequence[Problem], *, newest: int = 0, difference: Sequence[str] = ()
) -> Refused:
    """Refuse a change of the ladders as a whole.

    Args:
        kind: The kind of the gravest reason.
        problems: All of them.
        newest: The version in force.
        difference: From the base of the change to the newest version, line by line, when the base is stale.
    """
    return Refused(DeskName.LADDERS, kind, "ladders not changed", problems, newest=newest, changed=difference)


def difference(before: LadderVersion, after: LadderVersion) -> list[str]:
    """List the lines that are not the same, as `diff -u` does."""
    names = (f"version {before.version}", f"version {after.version}")
    return list(difflib.unified_diff(before.text.splitlines(), after.text.splitlines(), *names, lineterm="", n=1))
