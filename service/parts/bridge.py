"""A bridge for each node of the site, by the process that holds the node's lease: two would do each command twice."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from functools import partial

from ami_bridge.bridge import Bridge
from ami_bridge.node_link import NodeLink
from service import heartbeats
from service.acting import Act, Acting
from service.beside import beside
from service.figures import figures
from service.parts.shared import Shared
from service.plan import AMI_CALLER, AMI_USER
from tieline.clock import system_clock
from tieline.lease import Lease, process_name
from tieline.topology import Node
from trunk_config.render import edge_endpoint


@asynccontextmanager
async def bridges(shared: Shared) -> AsyncIterator[None]:
    """Bridge the site's nodes while the block runs, each as soon as no other process does."""
    async with AsyncExitStack() as stack:
        for node in shared.context.site.nodes:
            lease = Lease(shared.live, f"tl:bridge:{node.id}:lease", process_name())
            acting = Acting(f"bridge of {node.id}", lease, partial(_bridging, shared=shared, node=node))
            shared.metrics[f"bridging_{node.id}"] = acting.metrics
            await stack.enter_async_context(beside(acting.run()))
        yield


@asynccontextmanager
async def _bridging(_: Act, *, shared: Shared, node: Node) -> AsyncIterator[None]:
    context = shared.context
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
    bridge = Bridge(link, shared.live, heartbeats.copied(context.site), system_clock, caller=caller)
    shared.metrics[f"bridge_{node.id}"] = partial(figures, bridge.metrics)
    async with beside(bridge.run()):
        yield
