"""What callers and phones do, step by step: the words in which tests, samples and drills say it. Pure."""

from dataclasses import dataclass
from typing import Final, Literal

BYE_LIMIT_MS: Final = 120_000

Direction = Literal["sendrecv", "sendonly"]
"""Of the sound, as its sender says it (RFC 3264): `sendonly` puts the other side on hold."""


@dataclass(frozen=True, slots=True)
class Pause:
    """Do nothing for so long; with `up_to_ms`, for a random time between the two."""

    ms: int
    up_to_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Press:
    """Press keys: `0-9*#`, or `[fieldN]` for what the CSV file says."""

    keys: str


@dataclass(frozen=True, slots=True)
class HangUp:
    """The caller hangs up (BYE)."""


@dataclass(frozen=True, slots=True)
class WaitForBye:
    """The other side hangs up, within `limit_ms`."""

    limit_ms: int = BYE_LIMIT_MS


@dataclass(frozen=True, slots=True)
class ReInvite:
    """The caller offers the session again: unchanged (a refresh), put on hold, or taken back."""

    direction: Direction = "sendrecv"


Step = Pause | Press | HangUp | WaitForBye | ReInvite


@dataclass(frozen=True, slots=True)
class Talks:
    """The call is answered, then goes through the steps; the last one ends it.

    Attributes:
        bye_any_time: The other side may hang up during any step, and that is as scripted too.
        may_be_refused: A 503 with Q.850 cause 34 or 42 instead of the answer, after a message or without, is as
            scripted too: there is no line.
        acknowledges: Whether the answer gets its ACK.
    """

    steps: tuple[Step, ...]
    bye_any_time: bool = False
    may_be_refused: bool = False
    acknowledges: bool = True


@dataclass(frozen=True, slots=True)
class GivesUp:
    """The caller hangs up before the answer (CANCEL), `after_ms` after the INVITE."""

    after_ms: int


@dataclass(frozen=True, slots=True)
class LeavesEarly:
    """The caller hangs up before the answer by BYE (RFC 3261 section 15), once something is heard (183)."""


@dataclass(frozen=True, slots=True)
class IsRefused:
    """The call is refused before the answer: status and Q.850 cause as expected (cause 0: any or none)."""

    status: int = 503
    cause: int = 34


CallerScript = Talks | GivesUp | LeavesEarly | IsRefused


@dataclass(frozen=True, slots=True)
class Answers:
    """A phone that rings for `ring_ms`, then is answered; hangs up after `talk_ms`, or never."""

    ring_ms: int = 500
    talk_ms: int | None = None


@dataclass(frozen=True, slots=True)
class NeverAnswers:
    """A phone that rings until the caller gives up."""


@dataclass(frozen=True, slots=True)
class Refuses:
    """A phone that is busy (486), or whose owner declines (603), after it rang for `ring_ms`."""

    status: Literal["486 Busy Here", "603 Decline"] = "486 Busy Here"
    ring_ms: int = 0


@dataclass(frozen=True, slots=True)
class Holds:
    """A phone that is answered, puts the caller on hold after `talk_ms` for `hold_ms`, and never hangs up."""

    talk_ms: int
    hold_ms: int
    ring_ms: int = 500


PhoneScript = Answers | NeverAnswers | Refuses | Holds
