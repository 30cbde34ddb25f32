"""`/api/v1/calls/{call}/decisions`: why a call was offered to whom."""

from typing import Final

import msgspec
from aiohttp import web

from console.access import sender
from console.errors import Refusal
from console.keys import PARTS
from console.operations import Operation
from routing.why import CallDecisions, Offered, UnknownCall, fetch_decisions
from tieline.model import CallId, is_call_id


async def decisions(request: web.Request) -> web.Response:
    """Tell each offer that was made of a call, with the agents and calls that were not chosen, and how it ended.

    Kept for 7 days at the site of the agent: who was offered an agent of the other site is explained there.
    """
    principal, live = await sender(request), request.app[PARTS].live
    call_id = request.match_info["call"]
    try:
        found = await fetch_decisions(live, CallId(call_id)) if is_call_id(call_id) else None
    except UnknownCall:
        found = None
    if found is None or not _is_seen(found, principal.city):
        raise Refusal(404, "not_found", "no decision of such a call here", "the other site may have decided")
    return web.Response(body=msgspec.json.encode(found), content_type="application/json")


def _is_seen(found: CallDecisions, city: str | None) -> bool:
    """Tell whether a holder of a token of one city may see a call; he does not learn of others' calls."""
    return city is None or any(isinstance(one, Offered) and one.city == city for one in found.decisions)


OPERATIONS: Final = (
    Operation(
        method="GET",
        path="/api/v1/calls/{call}/decisions",
        name="explainCall",
        handler=decisions,
        answer=CallDecisions,
    ),
)
