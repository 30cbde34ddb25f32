"""What somebody asked of a desk and did not get: one form for all desks, over HTTP and on the command line.

A desk is where people and programs ask for changes: of quotas, notices, ladders, agents, calls, callbacks. What it
refuses changes nothing. `console.errors` translates a refusal for HTTP, `tieline.command_line` for the command line.
"""

from collections.abc import Sequence
from enum import StrEnum

from tieline.errors import Problem, TielineError


class DeskName(StrEnum):
    """Where something was refused."""

    QUOTAS = "quotas"
    NOTICES = "notices"
    LADDERS = "ladders"
    AGENTS = "agents"
    CALLS = "calls"
    CALLBACKS = "callbacks"


class Kind(StrEnum):
    """Why something was refused, as one word for programs."""

    INVALID = "invalid"
    """It makes no sense."""
    UNREADABLE = "unreadable"
    """It could not even be read as what this desk takes."""
    FORBIDDEN = "forbidden"
    """Whoever asks may not."""
    MISSING = "not_found"
    """What it is about is not there."""
    CONFLICT = "conflict"
    """Not now: what it is about is not in a state for it."""
    STALE = "stale_base"
    """Somebody else was faster; what changed is told."""
    CONFIRM = "confirm"
    """Not yet: nothing is wrong with it, but it has to be asked for again, confirmed."""


class Refused(TielineError):
    """What was asked for is refused as a whole; nothing was changed.

    Attributes:
        desk: Where.
        kind: The kind of the gravest reason.
        what: What was refused, or the one reason, in one sentence.
        problems: Every reason, with how to mend it; none when `what` says all.
        newest: The version in force, 0 when it is not known; None at a desk without versions.
        changed: From the version that was seen to the newest one, when that is why: as the desk tells it.
    """

    def __init__(
        self,
        desk: DeskName,
        kind: Kind,
        what: str,
        problems: Sequence[Problem] = (),
        *,
        newest: int | None = None,
        changed: Sequence[object] = (),
    ) -> None:
        """Remember every reason."""
        super().__init__(desk, kind, what, tuple(problems))
        self.desk, self.kind, self.what, self.problems = desk, kind, what, tuple(problems)
        self.newest, self.changed = newest, tuple(changed)

    def __str__(self) -> str:
        """List every reason, one a line, and what changed since a stale version."""
        lines = [self.what, *(f"  {problem}" for problem in self.problems)]
        if self.changed:
            lines += ["changed since then:", *(f"  {change}" for change in self.changed)]
        return "\n".join(lines)
