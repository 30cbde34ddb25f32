"""The site's HTTP API and pages."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from aiohttp import web

from console.app import build_app
from console.keys import QUOTAS, ConsoleParts
from service import heartbeats
from service.beside import beside
from service.matcher_figures import MatcherFigures
from service.parts.abroad import replicas
from service.parts.shared import Shared
from tieline.clock import system_clock
from tieline.live import Live
from tieline.model import SiteId


@asynccontextmanager
async def console(shared: Shared) -> AsyncIterator[None]:
    """Serve HTTP while the block runs."""
    async with replicas(shared.context) as abroad:
        matcher = MatcherFigures(shared.live)
        shared.metrics["matcher"] = matcher.metrics
        app = build_app(_parts(shared, abroad))
        shared.network.subscribe(app[QUOTAS].take_network)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        address = shared.context.site.console
        try:
            await web.TCPSite(runner, address.host, address.port).start()
            async with beside(matcher.run()):
                yield
        finally:
            await runner.cleanup()


def _parts(shared: Shared, abroad: Mapping[SiteId, Live]) -> ConsoleParts:
    context = shared.context
    return ConsoleParts(
        live=shared.live,
        database=shared.database,
        site=context.site.id,
        topology=context.topology,
        profiles=context.profiles,
        staff=context.staff,
        callback=context.callback,
        hours=context.hours,
        abroad=abroad,
        recording=context.settings.recording,
        probes=heartbeats.probes(context.site, shared.live, system_clock),
        metrics=shared.metrics,
    )
