"""The console of one site as an aiohttp application."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

from aiohttp import web

from console import api
from console.api_document import OPERATIONS, document
from console.errors import errors_as_json
from console.follower import Follower
from console.keys import (
    AGENTS,
    CALLBACKS,
    COLLECTOR,
    FOLLOWER,
    LADDERS,
    NAMES,
    NOTICES,
    PARTS,
    QUOTAS,
    READINESS,
    STORE,
    TASKS,
    TOKENS,
    TRANSFERS,
    ConsoleParts,
)
from console.live_socket import live_socket
from console.metrics import SiteCollector
from console.readiness import Probe, Readiness, redis_probe
from console.situation import names
from crm_adapter.store import Store
from ivr_prompts.notice import load_causes
from ivr_prompts.notice_desk import NoticeDesk
from routing.agent_desk import AgentDesk
from routing.callback_desk import CallbackDesk
from routing.ladder_desk import LadderDesk
from routing.transfer_desk import TransferDesk
from tieline.endings import cancel_until_done
from tieline.errors import NotReady
from tieline.tokens import Tokens
from trunk_config.desk import Desk
from trunk_config.site_desk import SiteDesk

WEB: Final = Path(__file__).parent / "web"
LONGEST_REQUEST: Final = 16 * 1024


def build_app(parts: ConsoleParts) -> web.Application:
    """Make the application; its tasks start and end with it.

    The address it is served on must be the site's console address, behind TLS where the network is not trusted.
    """
    app = web.Application(middlewares=[errors_as_json], client_max_size=LONGEST_REQUEST)
    store = Store(parts.database, clock=parts.clock)
    follower = Follower(parts.live, store, parts.site)
    probes: dict[str, Probe] = {"redis": redis_probe(parts.live), "sql": store.ping}
    for node in parts.topology.sites[parts.site].nodes:
        probes[f"node {node.id}"] = _node_probe(follower, node.id)
    readiness = Readiness({**probes, **parts.probes}, parts.clock)
    app[PARTS] = parts
    app[STORE] = store
    app[TOKENS] = Tokens(parts.database, clock=parts.clock)
    app[FOLLOWER] = follower
    desk = Desk(parts.database, parts.topology, parts.profiles, clock=parts.clock)
    app[QUOTAS] = SiteDesk(parts.site, desk, parts.live, parts.topology, parts.profiles, clock=parts.clock)
    app[LADDERS] = LadderDesk(parts.database, parts.topology, parts.staff.agents, clock=parts.clock)
    app[READINESS] = readiness
    app[COLLECTOR] = SiteCollector(follower, readiness, parts.metrics)
    app.add_routes(api.routes)
    for operation in OPERATIONS:
        app.router.add_route(operation.method, operation.path, operation.handler)
    app.router.add_get("/api/v1/openapi.json", document)
    app.router.add_get("/ws", live_socket)
    app.router.add_get("/", _page)
    app.router.add_static("/web/", WEB)
    causes = load_causes()
    app[NAMES] = names(parts.topology, causes)
    app[TRANSFERS] = TransferDesk(
        parts.site,
        parts.live,
        parts.database,
        parts.staff.agents,
        abroad=parts.abroad,
        consults=parts.recording,
        clock=parts.clock,
    )
    app[AGENTS] = AgentDesk(parts.site, parts.live, parts.database, parts.staff.agents, clock=parts.clock)
    app[CALLBACKS] = CallbackDesk(parts.database, parts.callback, clock=parts.clock)
    app[NOTICES] = NoticeDesk(parts.database, parts.topology, causes, clock=parts.clock)
    app[TASKS] = []
    app.cleanup_ctx.append(_tasks)
    app.on_shutdown.append(_end_pages)
    return app


async def _page(_: web.Request) -> web.FileResponse:
    return web.FileResponse(WEB / "index.html")


async def _tasks(app: web.Application) -> AsyncIterator[None]:
    """Follow the bus and ask the probes as long as the application runs."""
    await app[READINESS].ask()
    app[TASKS].append(asyncio.create_task(app[FOLLOWER].run()))
    app[TASKS].append(asyncio.create_task(app[READINESS].run()))
    yield
    for task in app[TASKS]:
        await cancel_until_done(task)


async def _end_pages(app: web.Application) -> None:
    app[FOLLOWER].end_all()


def _node_probe(follower: Follower, node: str) -> Probe:
    """Tell what the bridge last said of its link to a node."""

    async def ask() -> None:
        seen = follower.picture.nodes.get(node)
        if seen is None:
            raise NotReady("the bridge has not told of it")
        if not seen.up:
            raise NotReady(seen.reason or "the bridge has no link to it")

    return ask
