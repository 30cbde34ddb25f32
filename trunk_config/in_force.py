"""What is in force: putting a version of the quotas into the site's Redis, from the next call on, and reading it."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from tieline import bus
from tieline.live import Live
from tieline.model import CityId
from tieline.topology import Topology
from trunk_config.admission import QUOTA, in_use, install, maybe_version
from trunk_config.quota import Quota, site_quotas
from trunk_config.versions import QuotaVersion


@dataclass(frozen=True, slots=True)
class InForce:
    """What a site's calls are decided by at this moment.

    Attributes:
        lines: Of the site.
        shares: By city: the reserve, and as `cap` what the city may use at most, its access taken in.
        in_use: Lines in use by city.
    """

    version: int
    profile: str
    lines: int
    shares: Mapping[CityId, Quota]
    in_use: Mapping[CityId, int]


async def maybe_in_force(live: Live) -> InForce | None:
    """Read what is in force, None when nothing is: Redis has just started.

    Raises:
        TielineError: Redis is away.
    """
    flat, used = await asyncio.gather(live.call("HGETALL", QUOTA), in_use(live))  # in one turn: one exchange
    quota = {name.decode(): value.decode() for name, value in zip(flat[::2], flat[1::2], strict=True)}
    if "version" not in quota:
        return None
    cities = [name.removeprefix("r:") for name in quota if name.startswith("r:")]
    shares = {CityId(city): Quota(int(quota[f"r:{city}"]), int(quota[f"c:{city}"])) for city in cities}
    return InForce(int(quota["version"]), quota["profile"], int(quota["lines"]), shares, used)


async def put_in_force(live: Live, topology: Topology, version: QuotaVersion, *, now: float) -> bool:
    """Install a version and tell the bus when another one was there; calls in progress are not touched.

    Two at once may both tell: who listens asks for what is in force, he does not count.

    Args:
        live: The site's Redis.
        topology: Gives lines and access.
        version: The newest.
        now: Unix seconds.

    Returns:
        False when a newer one is in force.

    Raises:
        TielineError: Redis is away.
    """
    before = await maybe_version(live)
    quotas = site_quotas(topology, version.site, version.quotas)
    if not await install(live, version.version, version.profile, quotas):
        return False
    if before != version.version:
        changed = bus.QuotaChanged(
            at=now, site=version.site, version=version.version, profile=version.profile, by=version.by
        )
        await live.tell(changed)
    return True


async def replace_in_force(live: Live, topology: Topology, version: QuotaVersion, *, now: float) -> bool:
    """Install a version where an older one is in force; arguments and errors as `put_in_force`.

    Returns:
        Whether this version or a newer one is in force now. A Redis without quotas has just started: there the
        site's keeper counts the channels first, then it puts the newest version in force.
    """
    there = await maybe_version(live)
    if there is None or there >= version.version:
        return there is not None
    await put_in_force(live, topology, version, now=now)
    return True
