"""What somebody asks of a site's quotas, and how it is refused. Pure; `trunk_config.judge` decides."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from tieline.errors import Problem, TielineError
from tieline.model import CityId, SiteId
from tieline.topology import Topology
from trunk_config.profiles import Profiles
from trunk_config.versions import Difference, QuotaVersion


@dataclass(frozen=True, slots=True)
class Share:
    """What is asked for one city; None leaves the number as it is."""

    reserve: int | None = None
    cap: int | None = None


@dataclass(frozen=True, slots=True)
class SetShares:
    """Give some cities other shares. A pending end time stays unless a new one is given."""

    shares: Mapping[CityId, Share]


@dataclass(frozen=True, slots=True)
class PutOn:
    """Put a profile on."""

    profile: str


@dataclass(frozen=True, slots=True)
class Undo:
    """Bring the content of a former version back: the one before the newest, or the one named."""

    to: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What somebody asks for.

    Attributes:
        why: The reason, 1 to 400 characters.
        base: The version that he saw when he asked.
        until: When the version in force now comes back by itself: Unix seconds, or a text for
            `tieline.moment.read_moment`; None for never.
        confirmed: He knows that a city loses half of its share.
    """

    site: SiteId
    what: SetShares | PutOn | Undo
    why: str
    base: int
    until: float | str | None = None
    confirmed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What a change is judged against.

    Attributes:
        known: By number, the versions that the change names (its base, the target of an undo) as far as they exist.
        now: Unix seconds.
    """

    topology: Topology
    profiles: Profiles
    newest: QuotaVersion
    known: Mapping[int, QuotaVersion]
    now: float


class Refused(StrEnum):
    """Why a change did not happen."""

    FORBIDDEN = "forbidden"
    STALE = "stale_base"
    """Somebody else was faster; the difference is told."""
    INVALID = "invalid"
    UNREADABLE = "unreadable"
    """It could not even be read as a change."""
    CONFIRM = "confirm"
    """Nothing is wrong with it, but a city loses half of its share: ask again, confirmed."""


class ChangeRefused(TielineError):
    """A change is refused as a whole; nothing was changed."""

    def __init__(
        self,
        site: SiteId,
        kind: Refused,
        problems: Sequence[Problem],
        *,
        newest: int = 0,
        difference: Sequence[Difference] = (),
    ) -> None:
        """Remember every reason.

        Args:
            site: Whose quotas.
            kind: The kind of the gravest reason.
            problems: All of them.
            newest: The version in force, 0 when there is none.
            difference: From the base of the change to the newest version, when the base is stale.
        """
        super().__init__(site, kind, tuple(problems))
        self.site, self.kind, self.problems = site, kind, tuple(problems)
        self.newest, self.difference = newest, tuple(difference)

    def __str__(self) -> str:
        """List every reason, one a line, and what changed since a stale base."""
        reasons = "one reason" if len(self.problems) == 1 else f"{len(self.problems)} reasons"
        lines = [f"quotas of {self.site} not changed: {reasons}"]
        lines += [f"  {problem}" for problem in self.problems]
        if self.difference:
            lines += ["changed since then:", *(f"  {difference}" for difference in self.difference)]
        return "\n".join(lines)
