"""The door to the Redis of a site, as each of its clients opens it."""

from tieline.live import Live
from tieline.topology import Site


def open_live(site: Site, password: str, *, deadline_s: float) -> Live:
    """Open a site's Redis from the site's own address; nothing is connected before the first call.

    Args:
        site: Whose.
        password: Of Redis.
        deadline_s: How long any one call may take, seconds.
    """
    return Live(f"redis://:{password}@{site.redis}/0", deadline_s=deadline_s, local_address=site.local_address)
