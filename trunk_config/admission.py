"""May this city use one more line? One atomic step in Redis; each held line is a lease named after its channel.

A lease is the channel's Uniqueid (it begins with the node's name and is never used twice, unlike the channel's
name, which starts again at 0 with the node). It ends with the channel; `reconcile` ends those whose channel
Asterisk no longer has. Cost is independent of the number of cities.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from tieline.live import Live, Script
from tieline.model import CityId, NodeId

LINES: Final = "tl:lines"
"""Hash: Uniqueid -> `city since`."""
IN_USE: Final = "tl:lines:count"
"""Hash: city -> lines in use; always the number of that city's entries in `LINES`."""

_ADMIT: Final = Script("""
local used = tonumber(redis.call('HGET', KEYS[2], ARGV[2]) or 0)
if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 1 then return {1, used} end
if used >= tonumber(ARGV[3]) then return {0, used} end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2] .. ' ' .. ARGV[4])
return {1, redis.call('HINCRBY', KEYS[2], ARGV[2], 1)}
""")

_RELEASE: Final = Script("""
local freed = 0
for i = 1, #ARGV do
  local lease = redis.call('HGET', KEYS[1], ARGV[i])
  if lease then
    redis.call('HDEL', KEYS[1], ARGV[i])
    redis.call('HINCRBY', KEYS[2], string.match(lease, '^[^ ]+'), -1)
    freed = freed + 1
  end
end
return freed
""")


@dataclass(frozen=True, slots=True)
class Admission:
    """The answer: whether the line is granted, and how many lines the city uses now."""

    granted: bool
    in_use: int


async def admit(live: Live, *, uniqueid: str, city: CityId, cap: int, now: float, deadline_s: float) -> Admission:
    """Take one line for a channel, if the city is below its cap. Asking twice for one channel counts once.

    Raises:
        TielineError: Redis did not answer in time; the caller's policy is the node's own count (GROUP_COUNT).
    """
    granted, in_use = await live.run(
        _ADMIT, (LINES, IN_USE), (uniqueid, city, cap, f"{now:.3f}"), deadline_s=deadline_s
    )
    return Admission(bool(granted), int(in_use))


async def warm_up(live: Live) -> None:
    """Let Redis know the scripts before the first call: else that one would pay for it within its 50 ms.

    Raises:
        TielineError: Redis is away; the scripts are then learned with the first call.
    """
    for script in (_ADMIT, _RELEASE):
        await live.call("SCRIPT", "LOAD", script.source)


async def release(live: Live, *uniqueids: str) -> int:
    """Give lines back; unknown leases are no error (the release may come twice). Returns how many were held."""
    if not uniqueids:
        return 0
    return int(await live.run(_RELEASE, (LINES, IN_USE), uniqueids))


async def in_use(live: Live) -> Mapping[CityId, int]:
    """Count the lines in use by city."""
    flat = await live.call("HGETALL", IN_USE)
    return {CityId(city.decode()): int(count) for city, count in zip(flat[::2], flat[1::2], strict=True)}


async def reconcile(live: Live, *, node: NodeId, present: Iterable[str], snapshot_at: float) -> int:
    """Release lines of a node whose channels a snapshot does not show.

    Args:
        live: The site's Redis.
        node: Whose snapshot it is; leases of other nodes are left alone.
        present: Uniqueids that the node has.
        snapshot_at: Unix seconds when the snapshot was asked for; younger leases are left alone.

    Returns:
        How many leases had to be repaired.
    """
    alive = set(present)
    flat = await live.call("HGETALL", LINES)
    stale = [
        uniqueid.decode()
        for uniqueid, lease in zip(flat[::2], flat[1::2], strict=True)
        if node_of(uniqueid.decode()) == node
        and uniqueid.decode() not in alive
        and float(lease.split(b" ")[1]) < snapshot_at - 1
    ]
    return await release(live, *stale)


def node_of(uniqueid: str) -> NodeId:
    """Read the node out of a Uniqueid such as `fuzhou-1-1795249002.17` (Asterisk puts its systemname first)."""
    return NodeId(uniqueid.rpartition("-")[0])
