"""Lines as they are counted against the channels that Asterisk really has, look by look. Pure.

A call that has just begun or ended is known to one a moment before the other: only what two looks in a row show is a
difference.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from tieline.model import CityId
from trunk_config.in_force import InForce


@dataclass(frozen=True, slots=True)
class Look:
    """One look at a site.

    Attributes:
        at: Unix seconds.
        in_force: What calls are decided by, with the lines counted by city; None without Redis or quotas in it.
        leases: City of each held line by the Uniqueid of its channel, None without Redis.
        messages: Callers who hear a refusal.
        channels: Call id of each answered caller that Asterisk has, by Uniqueid.
    """

    at: float
    in_force: InForce | None
    leases: Mapping[str, str] | None
    messages: int
    channels: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Excess:
    """Lines let in although there was no room."""

    at: float
    what: str


def unequal(before: Look, look: Look) -> frozenset[str]:
    """Name what differs in both of two looks: Uniqueids of channels without a line or lines without a channel.

    A Redis that is away, or without quotas, is a difference, and so is a count that is not the number of its leases.
    """
    return _differs(before) & _differs(look)


def _differs(look: Look) -> frozenset[str]:
    if look.in_force is None or look.leases is None:
        return frozenset(("nothing is in force",))
    counted = {city: count for city, count in look.in_force.in_use.items() if count}
    held = Counter(look.leases.values())
    miscounted = (
        f"count of {city}" for city in counted.keys() | held.keys() if counted.get(CityId(city)) != held[city]
    )
    return frozenset(look.leases.keys() ^ look.channels.keys()) | frozenset(miscounted)


def equal_after_s(looks: Sequence[Look], since: float, until: float) -> float | None:
    """Give how long after `since` the lines were equal to the channels and stayed so until `until`, None if never.

    0 when no look shows a difference.
    """
    pairs = [(before, look) for before, look in pairwise(looks) if since <= before.at and look.at <= until]
    wrong = [place for place, (before, look) in enumerate(pairs) if unequal(before, look)]
    if not wrong:
        return 0.0 if pairs else None
    if wrong[-1] + 1 == len(pairs):
        return None
    return pairs[wrong[-1] + 1][1].at - since


def excesses(looks: Sequence[Look]) -> Iterator[Excess]:
    """Yield where a city, or the site, got one more line while it had as many as it may have, or more.

    Who has more than a new, lower limit keeps them: that alone is none.
    """
    for before, look in pairwise(looks):
        if before.in_force is None or look.in_force is None:
            continue
        was, now = before.in_force, look.in_force
        for city, share in now.shares.items():
            used = now.in_use.get(city, 0)
            if used > share.cap and used > was.in_use.get(city, 0):
                yield Excess(look.at, f"{city} uses {used} lines of {share.cap}")
        total = sum(now.in_use.values())
        if total > now.lines and total > sum(was.in_use.values()):
            yield Excess(look.at, f"{total} of {now.lines} lines in use")


def most_channels(looks: Iterable[Look], city_of: Mapping[str, str], since: float, until: float) -> dict[str, int]:
    """Give the most answered callers at once of each city between two times.

    Args:
        looks: All of them.
        city_of: City by call id, as the edge counted it.
        since: Unix seconds.
        until: Unix seconds.
    """
    most: Counter[str] = Counter()
    for look in looks:
        if since <= look.at <= until:
            most |= Counter(city_of.get(call_id, "") for call_id in look.channels.values())
    return dict(most)
