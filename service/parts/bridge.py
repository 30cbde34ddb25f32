"""A bridge for each node of the site."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from functools import partial

from ami_bridge.bridge import Bridge
from ami_bridge.node_link import NodeLink
from service import heartbeats
from service.beside import beside
from service.figures import figures
from service.parts.shared import Shared
from service.plan import AMI_CALLER, AMI_USER
from tieline.clock import system_clock
from trunk_config.render import edge_endpoint


@asynccontextmanager
async def bridges(shared: Shared) -> AsyncIterator[None]:
    """Bridge the site's nodes while the block runs."""
    context = shared.context
    async with AsyncExitStack() as stack:
        for node in context.site.nodes:
            link = NodeLink(
                node=node.id,
                host=node.ami.host,
                port=node.ami.port,
                username=AMI_USER,
                secret=context.secrets.ami_password,
                local_address=context.site.local_address,
                entry_endpoints=tuple(edge_endpoint(edge) for edge in context.topology.edges),
            )
            caller = replace(link, username=AMI_CALLER, secret=context.secrets.ami_caller_password)
            beats = heartbeats.copied(context.site)
            bridge = Bridge(link, shared.live, beats, system_clock, caller=caller)
            shared.metrics[f"bridge_{node.id}"] = partial(figures, bridge.metrics)
            await stack.enter_async_context(beside(bridge.run()))
        yield
