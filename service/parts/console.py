"""The site's HTTP API and pages."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from console.app import build_app
from console.keys import QUOTAS, ConsoleParts
from service import heartbeats
from service.beside import beside
from service.matcher_figures import MatcherFigures
from service.parts.shared import Shared
from tieline.clock import system_clock


@asynccontextmanager
async def console(shared: Shared) -> AsyncIterator[None]:
    """Serve HTTP while the block runs."""
    context = shared.context
    parts = ConsoleParts(
        live=shared.live,
        database=shared.database,
        site=context.site.id,
        topology=context.topology,
        profiles=context.profiles,
        staff=context.staff,
        callback=context.callback,
        hours=context.hours,
        recording=context.settings.recording,
        probes=heartbeats.probes(context.site, shared.live, system_clock),
        metrics=shared.metrics,
    )
    matcher = MatcherFigures(shared.live)
    shared.metrics["matcher"] = matcher.metrics
    app = build_app(parts)
    shared.network.subscribe(app[QUOTAS].take_network)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    address = context.site.console
    try:
        await web.TCPSite(runner, address.host, address.port).start()
        async with beside(matcher.run()):
            yield
    finally:
        await runner.cleanup()
