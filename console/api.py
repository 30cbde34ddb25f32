"""The HTTP API: health, readiness, metrics, and the three lists behind a bearer token."""

import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

import msgspec
from aiohttp import web

from console.access import onlooker, sender
from console.delta import encoded
from console.keys import COLLECTOR, FOLLOWER, PARTS, READINESS, STORE, TASKS
from console.metrics import CONTENT_TYPE, DecisionCollector, TrunkCollector, exposition
from console.operations import Number
from console.query import number_of
from console.sight import sight_of
from console.views import masked
from crm_adapter.record import CallRecord
from crm_adapter.store import NEWEST_AT_MOST
from crm_adapter.ticket import Ticket
from tieline.clock import iso_utc
from tieline.errors import TielineError
from tieline.principal import Principal
from trunk_config.decision_times import ByVerdict, fetch
from trunk_config.edge_rpc import maybe_refused

routes = web.RouteTableDef()

_NEWEST: Final = Number("newest", "How many at most.", 1, NEWEST_AT_MOST, 50)


@routes.get("/healthz")
async def health(request: web.Request) -> web.Response:
    """Answer as long as the event loop turns; 500 when a task that never ends has ended: restart the process."""
    dead = any(task.done() for task in request.app[TASKS])
    return web.json_response({"status": "broken" if dead else "alive"}, status=500 if dead else 200)


@routes.get("/readyz")
async def readiness(request: web.Request) -> web.Response:
    """Tell each part and since when it is as it is; 503 when one is missing."""
    state = request.app[READINESS]
    parts = {
        name: {"ready": part.ready, "since": iso_utc(part.since), "reason": part.reason}
        for name, part in state.parts.items()
    }
    body = {"status": "ready" if state.ready else "not ready", "site": request.app[PARTS].site, "parts": parts}
    return web.json_response(body, status=200 if state.ready else 503, dumps=_dumps)


@routes.get("/metrics")
async def metrics(request: web.Request) -> web.Response:
    """Give what Prometheus scrapes; no personal data in it."""
    parts = request.app[PARTS]
    times: Mapping[int, ByVerdict] = {}
    with suppress(TielineError):  # while Redis is away there is nothing to tell of the decisions
        times = await fetch(parts.live, len(parts.topology.sites[parts.site].agi))
    refused = await maybe_refused(parts.topology.edges)
    body = exposition(request.app[COLLECTOR], DecisionCollector(times), TrunkCollector(refused))
    return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE})


@routes.get("/api/picture")
async def picture(request: web.Request) -> web.Response:
    """Give calls in progress, agents, nodes, newest tickets and counts of this moment; agents see what is outside."""
    sight = sight_of(await onlooker(request))
    return web.Response(text=encoded(sight.of(request.app[FOLLOWER].picture)), content_type="application/json")


@routes.get("/api/calls")
async def calls(request: web.Request) -> web.Response:
    """List the calls that ended last, the last first; `?newest=` 1 to 1000, 50 without."""
    principal = await sender(request)
    found = await request.app[STORE].recent_calls(newest=number_of(request, _NEWEST), **_scope(request, principal))
    return web.json_response({"calls": [_shown(call) for call in found]}, dumps=_dumps)


@routes.get("/api/tickets")
async def tickets(request: web.Request) -> web.Response:
    """List the newest tickets, the newest first; `?newest=` 1 to 1000, 50 without."""
    principal = await sender(request)
    found = await request.app[STORE].recent_tickets(newest=number_of(request, _NEWEST), **_scope(request, principal))
    return web.json_response({"tickets": [_shown(ticket) for ticket in found]}, dumps=_dumps)


def _scope(request: web.Request, principal: Principal) -> dict[str, str | None]:
    return {"city": principal.city, "site": request.app[PARTS].site}


def _shown(what: CallRecord | Ticket) -> dict[str, Any]:
    """Give a call or a ticket with its number masked."""
    fields: dict[str, Any] = msgspec.to_builtins(what)
    fields["caller"] = masked(fields.pop("number"))
    return fields


def _dumps(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
