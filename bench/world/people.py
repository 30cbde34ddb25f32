"""Who sits where: the people of a site in the order in which they come on duty. Pure, without chance."""

from collections.abc import Mapping, Sequence
from typing import Final

from routing.agents import Agent
from tieline.model import AgentId, Business, DialectId, Level, SiteId

EVERYBODYS: Final = (Business.REPAIR, Business.OUTAGE, Business.OTHER)
"""Businesses that all agents are trained for."""

Tongues = Mapping[DialectId, Level]

_GOLDEN: Final = 0.6180339887
"""Multiples of the golden ratio fall evenly into 0 to 1, whatever part of the row one looks at."""


def make_people(
    site: SiteId, first: int, groups: Sequence[tuple[int, Tongues]], trained: Mapping[Business, float]
) -> Sequence[Agent]:
    """Make the agents of a site.

    Args:
        site: Where they sit.
        first: Number in the first agent's id.
        groups: How many people know which tongues.
        trained: Share of people trained for each business that is not everybody's.
    """
    return [
        Agent(AgentId(f"a{first + place}"), site, f"{site} {place}", tongues, _trained(place, trained))
        for place, tongues in enumerate(in_duty_order(groups))
    ]


def in_duty_order(groups: Sequence[tuple[int, Tongues]]) -> list[Tongues]:
    """Mix the groups so evenly that any stretch of the row has their shares, to one person.

    >>> [len(tongues) for tongues in in_duty_order([(2, {}), (1, {"hakka": Level.NATIVE}), (1, {})])]
    [0, 1, 0, 0]
    """
    total = sum(count for count, _ in groups)
    placed = [0] * len(groups)
    row: list[Tongues] = []
    for place in range(total):
        behind = [(place + 0.5) * count / total - done for (count, _), done in zip(groups, placed, strict=True)]
        chosen = behind.index(max(behind))
        placed[chosen] += 1
        row.append(groups[chosen][1])
    return row


def _trained(place: int, shares: Mapping[Business, float]) -> dict[Business, Level]:
    known = dict.fromkeys(EVERYBODYS, Level.FLUENT)
    for turn, (business, share) in enumerate(shares.items()):
        if (place * _GOLDEN + turn / 3) % 1 < share:
            known[business] = Level.FLUENT
    return known
