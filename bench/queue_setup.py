"""How an `app_queue` is configured: who is a member where, with which penalty, and who goes first among equals. Pure.

A queue for each dialect and kind of business. Members have penalties: 0 for speakers, 1 for basic knowledge, then
the others, scarce speakers last; `QUEUE_MAX_PENALTY` gives a caller speakers only until a queue rule raises it.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import inf
from typing import Final

from routing.agents import Agent
from tieline.model import MANDARIN, AgentId, DialectId, Level

RETRY_S: Final = 1.0
COMMON: Final = 20
"""A dialect with at least so many speakers among the people is common, the others are scarce."""

SPEAKER, BASIC, MANDARIN_ONLY, COMMON_SPEAKER, MOST = range(5)
"""Penalties; the last one is that of scarce speakers in other queues."""

_BUCKETS: Final = 37
_HASHED: Final = 5
_BITS: Final = 6


class Reach(StrEnum):
    """Who is a member of a site's queues."""

    SITE = "site"
    """The site's own people."""
    OVERFLOW = "overflow"
    """The same, and after `overflow_s` everybody's."""
    BOTH = "both"
    """Everybody."""


@dataclass(frozen=True, slots=True)
class QueueSetup:
    """One way to configure it.

    Attributes:
        open_s: After this wait a dialect caller may have those who do not speak it; infinite for never.
        spare_s: After this wait a Mandarin caller may have speakers of scarce dialects.
        weighted: The queues of dialects have more weight than those of Mandarin.
        overflow_s: When a caller overflows.
    """

    reach: Reach
    open_s: float
    spare_s: float = 0.0
    weighted: bool = False
    overflow_s: float = 25.0

    @property
    def name(self) -> str:
        """Short name, e.g. `both_open17_weight`."""
        parts = [str(self.reach), "never" if self.open_s == inf else f"open{self.open_s:g}"]
        parts += [f"spare{self.spare_s:g}"] if self.spare_s else []
        return "_".join(parts + (["weight"] if self.weighted else []))


def penalties(agents: Mapping[AgentId, Agent], dialect: DialectId) -> dict[AgentId, int]:
    """Give the members' penalties in the queue of a dialect: speakers 0, the scarcest speakers of others most."""
    speakers = Counter(each for agent in agents.values() for each in agent.dialects if agent.speaks(each))
    scarce = frozenset(each for each, count in speakers.items() if count < COMMON)
    return {agent.id: _penalty(agent, dialect, scarce) for agent in agents.values()}


def _penalty(agent: Agent, dialect: DialectId, scarce: frozenset[DialectId]) -> int:
    if dialect != MANDARIN and agent.speaks(dialect):
        return SPEAKER
    if agent.dialects.get(dialect) is Level.BASIC:
        return BASIC
    own = [name for name in agent.dialects if name != MANDARIN and agent.speaks(name)]
    if not own:
        return MANDARIN_ONLY
    return MOST if scarce.intersection(own) else COMMON_SPEAKER


def order_of_equals(agents: Iterable[AgentId]) -> Sequence[AgentId]:
    """Put members, listed by name, in the order in which app_queue takes those that nothing else tells apart.

    It walks its hash table and remembers each member in front of those before, so the last of the table goes first.

    Source:
        Asterisk apps/app_queue.c: member_hash_fn, init_queue, try_calling, find_best.

    >>> order_of_equals(["a100", "a101", "a102", "a103"])
    ['a102', 'a101', 'a100', 'a103']
    """
    return sorted(agents, key=lambda agent: (_bucket(agent), agent), reverse=True)


def _bucket(agent: AgentId) -> int:
    hashed = f"/{agent}"[:_HASHED]
    return sum(_compressed(ord(each)) << place * _BITS for place, each in enumerate(hashed)) % _BUCKETS


def _compressed(code: int) -> int:
    """Compress an ASCII code to six bits, as `compress_char` does."""
    return code - 64 if code > 96 else max(0, code - 32)
