"""Putting a version of the quotas in force: into the site's Redis, from the next call on."""

from tieline import bus
from tieline.live import Live
from tieline.topology import Topology
from trunk_config.admission import install, maybe_version
from trunk_config.quota import site_quotas
from trunk_config.versions import QuotaVersion


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
