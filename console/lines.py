"""What the page shows of the lines: in use, reserved, at most, refused, by city; and what is in force. Pure."""

from collections.abc import Mapping

import msgspec

from trunk_config.in_force import InForce


class LinesView(msgspec.Struct, frozen=True, kw_only=True):
    """One city's lines.

    Attributes:
        cap: What it may use at most now: its cap, or its access when that is smaller.
        refused: Its calls that were refused, since the console counts.
    """

    in_use: int
    reserve: int
    cap: int
    refused: int


class QuotaView(msgspec.Struct, frozen=True, kw_only=True):
    """What is in force at the site; `in_use` counts the lines of all cities."""

    version: int
    profile: str
    lines: int
    in_use: int


Refused = Mapping[str, Mapping[str, int]]
"""By city and Q.850 cause."""


def refused_counted(refused: Refused, city: str, cause: int) -> Refused:
    """Count a call that was refused."""
    causes = {**refused.get(city, {})}
    causes[str(cause)] = causes.get(str(cause), 0) + 1
    return {**refused, city: causes}


def lines_of(now: InForce, refused: Refused) -> dict[str, LinesView]:
    """Show the lines of every city of the quotas."""
    return {
        city: LinesView(
            in_use=now.in_use.get(city, 0),
            reserve=share.reserve,
            cap=share.cap,
            refused=sum(refused.get(city, {}).values()),
        )
        for city, share in now.shares.items()
    }


def quota_of(now: InForce) -> QuotaView:
    """Show what is in force."""
    return QuotaView(version=now.version, profile=now.profile, lines=now.lines, in_use=sum(now.in_use.values()))
