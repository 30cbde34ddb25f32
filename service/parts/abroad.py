"""The copies of other sites' Redis that a part reads."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager

from service.context import SiteContext
from tieline.live import Live
from tieline.model import SiteId
from tieline.site_live import open_replica


@asynccontextmanager
async def replicas(context: SiteContext) -> AsyncIterator[Mapping[SiteId, Live]]:
    """Give the copy of each site that ours has a tie line to, and close them at the end."""
    site, password, deadline_s = context.site, context.secrets.redis_password, context.settings.redis_deadline_s
    opened = {of: open_replica(site, of, password, deadline_s=deadline_s) for of in context.topology.tied_to(site.id)}
    async with AsyncExitStack() as closing:
        for replica in opened.values():
            closing.push_async_callback(replica.close)
        yield opened
