"""The errors of Tieline: fields first, text built in `__str__`.

A hang-up is an event, never an error. Each class says whether trying again can help (`retryable`).
"""

from collections.abc import Sequence
from dataclasses import dataclass


class TielineError(Exception):
    """Base of all errors that Tieline raises on purpose."""

    retryable: bool = False


class LocalProtocolError(TielineError):
    """We tried to send something the protocol forbids: our bug or a caller's value that must not pass."""


class RemoteProtocolError(TielineError):
    """The peer broke the protocol; the connection is of no more use."""


class ConnectionLost(TielineError):
    """The peer is gone, or never was there."""

    retryable = True


class DeadlineExceeded(TielineError):
    """An outside party did not answer within its deadline."""

    retryable = True

    def __init__(self, what: str, deadline_s: float) -> None:
        """Remember what was waited for and how long (seconds)."""
        super().__init__(what, deadline_s)
        self.what = what
        self.deadline_s = deadline_s

    def __str__(self) -> str:
        """Say what did not come, and after how long."""
        return f"no answer within {self.deadline_s:g} s: {self.what}"


class NotReady(TielineError):
    """A part that is needed is not up yet."""

    retryable = True


class AuthFailed(TielineError):
    """A credential was refused; a human must look."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault in a file or a request.

    Attributes:
        where: File and line, key path or field, as exact as known, e.g. `fujian.toml:41 city[2].home`.
        what: What is wrong, in one sentence.
        mend: How to mend it.
    """

    where: str
    what: str
    mend: str = ""

    def __str__(self) -> str:
        """Render as `where: what (mend)`."""
        return f"{self.where}: {self.what}" + (f" ({self.mend})" if self.mend else "")


class ConfigError(TielineError):
    """A configuration is refused as a whole, with all its problems at once."""

    def __init__(self, subject: str, problems: Sequence[Problem]) -> None:
        """Remember the subject (usually a file name) and every problem found."""
        super().__init__(subject, tuple(problems))
        self.subject = subject
        self.problems = tuple(problems)

    def __str__(self) -> str:
        """List every problem, one a line."""
        head = f"{self.subject}: {len(self.problems)} problem(s)"
        return "\n".join([head, *(f"  {p}" for p in self.problems)])
