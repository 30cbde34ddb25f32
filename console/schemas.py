"""What the API takes in and gives back, besides the rooms' own types; the OpenAPI document is made of these."""

from collections.abc import Mapping, Sequence

import msgspec

from ivr_prompts.notice import Notice
from routing.ladder_versions import LadderVersion
from tieline.errors import Problem
from tieline.model import CityId
from trunk_config.change import Share
from trunk_config.profiles import Profile
from trunk_config.versions import Difference, QuotaVersion


class ErrorTold(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Every failure.

    Attributes:
        error: One word for programs.
        hint: How the client can mend it.
        newest: The version of the quotas that is in force, when a change was refused.
        problems: Every reason, when a change was refused.
        difference: What others changed since the base of a change of quotas, when that is stale.
        lines: The same for ladders, line by line.
    """

    error: str
    message: str
    hint: str
    newest: int = 0
    problems: tuple[Problem, ...] = ()
    difference: tuple[Difference, ...] = ()
    lines: tuple[str, ...] = ()


class ChangeAsked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every change of quotas says.

    Attributes:
        base: The version that you saw; another one in force by now refuses the change, with the difference.
        why: The reason, for the audit trail; at most 400 characters.
        confirmed: You know that a city loses half of its share, or more.
    """

    base: int
    why: str
    confirmed: bool = False


class SharesAsked(ChangeAsked, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Other shares for some cities; the other cities keep theirs.

    Attributes:
        base: The version that you saw; another one in force by now refuses the change, with the difference.
        why: The reason, for the audit trail; at most 400 characters.
        confirmed: You know that a city loses half of its share, or more.
        cities: By city; a number that is left out stays as it is.
        until: When what is in force now returns by itself: Unix seconds, `18:30`, `2026-11-21 18:30` or `+3h`.
    """

    cities: Mapping[CityId, Share]
    until: float | str | None = None


class ProfileAsked(ChangeAsked, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A profile to put on.

    Attributes:
        base: The version that you saw; another one in force by now refuses the change, with the difference.
        why: The reason, for the audit trail; at most 400 characters.
        confirmed: You know that a city loses half of its share, or more.
        profile: Its name.
        until: When what is in force now returns by itself: Unix seconds, `18:30`, `2026-11-21 18:30` or `+3h`.
    """

    profile: str
    until: float | str | None = None


class UndoAsked(ChangeAsked, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A former version to bring back, as a new one.

    Attributes:
        base: The version that you saw; another one in force by now refuses the change, with the difference.
        why: The reason, for the audit trail; at most 400 characters.
        confirmed: You know that a city loses half of its share, or more.
        to: Which one; without it the one before the newest.
    """

    to: int | None = None


class History(msgspec.Struct, frozen=True):
    """Versions of a site's quotas, the newest first."""

    versions: Sequence[QuotaVersion]


class ProfileList(msgspec.Struct, frozen=True):
    """The profiles of a site, as its file has them."""

    profiles: Sequence[Profile]


class NoticeAsked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is known of an outage; the place is in the path.

    Attributes:
        cause: Id out of the closed list of causes.
        until: When power is expected back: Unix seconds, `18:30`, `2026-11-21 18:30` or `+3h`; at most 7 days away.
    """

    cause: str
    until: float | str


class NoticeList(msgspec.Struct, frozen=True):
    """Notices that hold now, by place."""

    notices: Sequence[Notice]


class LaddersAsked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A whole file of ladders.

    Attributes:
        base: The version that you saw; another one in force by now refuses the change, with the difference.
        why: The reason, for the audit trail; at most 400 characters.
        text: TOML, as `GET /api/v1/ladders` gives it.
    """

    base: int
    why: str
    text: str


class LadderUndoAsked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A former version of the ladders to bring back, as a new one.

    Attributes:
        base: The version that you saw; another one in force by now refuses the change, with the difference.
        why: The reason, for the audit trail; at most 400 characters.
        to: Which one, 0 for what ships; without it the one before the newest.
    """

    base: int
    why: str
    to: int | None = None


class LadderHistory(msgspec.Struct, frozen=True):
    """Versions of the ladders, the newest first."""

    versions: Sequence[LadderVersion]
