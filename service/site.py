"""One process of a site: each part can run alone or with the others in one process; they meet only in Redis."""

import os
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from functools import partial

import structlog

from service.beside import beside
from service.context import SiteContext, load_network
from service.network import NetworkWatch
from service.parts import PARTS
from service.parts.shared import Shared
from tieline.clock import system_clock
from tieline.site_live import open_live
from tieline.work import tell_work

_log = structlog.get_logger("service")


@asynccontextmanager
async def site_process(context: SiteContext, parts: Sequence[str], agi_indexes: Sequence[int]) -> AsyncIterator[None]:
    """Start the chosen parts of a site; stop them in reverse order at the end.

    Args:
        context: The site's data.
        parts: Names out of `PARTS`.
        agi_indexes: Which of the site's AGI addresses this process serves, counted from 0.
    """
    settings, site = context.settings, context.site
    async with AsyncExitStack() as stack:
        live = open_live(site, context.secrets.redis_password, deadline_s=settings.redis_deadline_s)
        stack.push_async_callback(live.close)
        network = NetworkWatch(live, partial(load_network, settings))
        shared = Shared(context, agi_indexes, live, network, stack.enter_context(ExitStack()))
        for name, part in PARTS.items():
            if name in parts:
                await stack.enter_async_context(part(shared))
                _log.info("part started", part=name, site=site.id)
        shared.metrics["network"] = network.metrics
        shared.metrics["bus"] = lambda: {"skipped": live.skipped}
        if {"tickets", "console"} & set(parts):  # no other part counts what the trunk groups can carry
            await stack.enter_async_context(beside(network.run()))
        name = _name_of(parts, agi_indexes)
        await stack.enter_async_context(
            beside(tell_work(live, name, partial(_agi_connections, shared), system_clock))
        )
        yield
        _log.info("stopping", site=site.id)


def _name_of(parts: Sequence[str], agi_indexes: Sequence[int]) -> str:
    """Tell this process from the site's others."""
    servers = "-".join(map(str, agi_indexes))
    name = "+".join(parts) + (f" {servers}" if "agi" in parts else "")
    return f"{name} {os.getpid()}"  # of some parts there are two


def _agi_connections(shared: Shared) -> int:
    """Count the connections that are open to the process's AGI servers."""
    return int(sum(read()["connections"] for name, read in shared.metrics.items() if name.startswith("agi_")))
