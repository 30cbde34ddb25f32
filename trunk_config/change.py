"""What somebody asks of a site's quotas, and how it is refused. Pure; `trunk_config.judge` decides."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tieline.errors import Problem
from tieline.model import CityId, SiteId
from tieline.refused import DeskName, Kind, Refused
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


def not_changed(
    site: SiteId,
    kind: Kind,
    problems: Sequence[Problem],
    *,
    newest: int = 0,
    difference: Sequence[Difference] = (),
) -> Refused:
    """Refuse a change as a whole.

    Args:
        site: Whose quotas.
        kind: The kind of the gravest reason.
        problems: All of them.
        newest: The version in force, 0 when there is none.
        difference: From the base of the change to the newest version, when the base is stale.
    """
    reasons = "one reason" if len(problems) == 1 else f"{len(problems)} reasons"
    what = f"quotas of {site} not changed: {reasons}"
    return Refused(DeskName.QUOTAS, kind, what, problems, newest=newest, changed=difference)
