"""The matcher of the site, with what it sees of others."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from routing.ladder_desk import LadderDesk
from routing.ladder_follower import LadderFollower
from routing.live import MatcherShell
from routing.matcher import Rules
from routing.peers import Abroad
from routing.static_queues import static_queues
from service.beside import beside
from service.parts.abroad import replicas
from service.parts.shared import Shared
from tieline.clock import system_clock
from tieline.settings import Settings


@asynccontextmanager
async def matcher(shared: Shared) -> AsyncIterator[None]:
    """Match while the block runs, when this process is the one that acts."""
    context = shared.context
    topology, staff, site = context.topology, context.staff, context.site
    async with replicas(context) as copies:
        nodes = {of: topology.sites[of].nodes[0].id for of in copies}
        shell = MatcherShell(
            site.id,
            shared.live,
            staff.agents,
            staff.ladders,
            _rules(context.settings),
            system_clock,
            [node.id for node in site.nodes],
            Abroad(copies, nodes, topology.business_sites),
            [queue for queue in static_queues(topology, staff.agents.values()) if queue.site == site.id],
        )
        ladders = LadderFollower(LadderDesk(shared.database, topology, staff.agents), shell.use)
        async with beside(ladders.run()), beside(shell.run()):
            yield


def _rules(settings: Settings) -> Rules:
    return Rules(
        lease_s=settings.offer_lease_s,
        ring_s=settings.ring_s,
        wrap_up_s=settings.wrap_up_s,
        pause_s=settings.no_answer_pause_s,
        log_in=settings.agents_log_in,
    )
