"""The door to the Redis of a site, as each of its clients opens it."""

from tieline.live import Live
from tieline.model import SiteId
from tieline.topology import Site


def open_live(site: Site, password: str, *, deadline_s: float) -> Live:
    """Open a site's Redis from the site's own address; nothing is connected before the first call.

    Args:
        site: Whose.
        password: Of Redis.
        deadline_s: How long any one call may take, seconds.
    """
    return Live(f"redis://:{password}@{site.redis}/0", deadline_s=deadline_s, local_address=site.local_address)


def open_replica(site: Site, of: SiteId, password: str, *, deadline_s: float) -> Live:
    """Open the copy of another site's Redis that a site has; it is read-only.

    Args:
        site: Whose copy.
        of: The other one; it must be among the site's replicas.
        password: Of the copy.
        deadline_s: How long any one call may take, seconds.
    """
    return Live(f"redis://:{password}@{site.replicas[of]}/0", deadline_s=deadline_s, local_address=site.local_address)
