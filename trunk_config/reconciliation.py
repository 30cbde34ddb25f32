"""Leases against the channels that Asterisk really has: what a crash left behind ends, what Redis lost comes back."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from tieline.live import Live
from tieline.model import CityId, NodeId
from trunk_config import admission_steps as steps
from trunk_config.admission import LINES, MESSAGES, Leases, node_of, release

LINE: Final = "line"
MESSAGE: Final = "message"
"""What a caller's channel holds, as the steps know it."""

SLACK_S: Final = 1.0
"""A lease younger than a snapshot by less than this may belong to a channel that began while it was made; and the
start of a node is known to the second."""


@dataclass(frozen=True, slots=True)
class CallerChannel:
    """A caller's channel that a node has.

    Attributes:
        city: Empty when the node did not tell: nothing can then be added for it.
        holds: `LINE` or `MESSAGE`, empty while its admission is not decided.
    """

    city: CityId
    holds: str


@dataclass(frozen=True, slots=True)
class NodeChannels:
    """What a node's snapshot says.

    Attributes:
        callers: By Uniqueid; what is not among them has ended.
        at: Unix seconds when the snapshot was asked for.
        started_at: Unix seconds when the node started, 0 when it is not known. Leases of channels that began before
            are void: they belong to an earlier generation of the node.
    """

    node: NodeId
    callers: Mapping[str, CallerChannel]
    at: float
    started_at: float = 0.0


@dataclass(frozen=True, slots=True)
class Repairs:
    """What a reconciliation mended."""

    released: Leases
    added: Leases


async def reconcile(live: Live, channels: NodeChannels) -> Repairs:
    """Make a node's leases equal to the channels it has; leases of other nodes are left alone.

    Raises:
        TielineError: Redis is away; the next snapshot mends it.
    """
    lines = await _ages(live, LINES)
    messages = await _ages(live, MESSAGES)
    stale = [
        uniqueid
        for uniqueid, since in (messages | lines).items()
        if node_of(uniqueid) == channels.node
        and uniqueid not in channels.callers
        and (since < channels.at - SLACK_S or _began(uniqueid) < channels.started_at - SLACK_S)
    ]
    missing = [
        (uniqueid, caller.city, str(_began(uniqueid)), caller.holds)
        for uniqueid, caller in channels.callers.items()
        if caller.city and caller.holds and uniqueid not in (lines if caller.holds == LINE else lines | messages)
    ]
    return Repairs(released=await release(live, *stale), added=await _adopt(live, missing))


async def add_line(live: Live, uniqueid: str, city: CityId) -> None:
    """Count the line of a channel that its node let in by its own count; one that is counted already stays so.

    Raises:
        TielineError: Redis is away.
    """
    await _adopt(live, [(uniqueid, city, str(_began(uniqueid)), LINE)])


async def _adopt(live: Live, missing: Iterable[tuple[str, CityId, str, str]]) -> Leases:
    arguments = tuple(value for row in missing for value in row)
    return Leases(*await live.run(steps.ADOPT, steps.KEYS, arguments)) if arguments else Leases(0, 0)


async def _ages(live: Live, key: str) -> dict[str, float]:
    """Fetch leases with the Unix time since when each is held; of a message that is when its channel began."""
    flat = await live.call("HGETALL", key)
    held = {uniqueid.decode(): lease.split(b" ") for uniqueid, lease in zip(flat[::2], flat[1::2], strict=True)}
    return {
        uniqueid: float(words[1]) if len(words) > 1 else float(_began(uniqueid)) for uniqueid, words in held.items()
    }


def _began(uniqueid: str) -> int:
    """Read the Unix second in which a channel began out of its Uniqueid, 0 when there is none."""
    second = uniqueid.rpartition("-")[2].partition(".")[0]
    return int(second) if second.isascii() and second.isdigit() else 0
