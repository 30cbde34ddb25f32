"""HTTP: the refused numbers of a city, whole, for whoever calls them back; each look is in the audit trail."""

from functools import partial
from typing import Final

import msgspec
from aiohttp import web

from console.access import caller_back
from console.errors import Refusal
from console.keys import PARTS, STORE
from console.operations import Operation, Words
from crm_adapter.refused import READ, RefusedList
from tieline import audit
from tieline.model import CityId
from tieline.moment import read_moment
from tieline.principal import Principal

_SINCE: Final = Words("since", "`2026-11-21 18:30`, `-3h` or `-1d`.", "-1d")


async def refused(request: web.Request) -> web.Response:
    """List each refused number once, the last refused first."""
    parts = request.app[PARTS]
    principal = await caller_back(request)
    city = _city(request, principal)
    try:
        since = read_moment(request.query.get(_SINCE.name, _SINCE.default), parts.clock(), past=True)
    except ValueError as error:
        raise Refusal(400, "bad_request", f"since: {error}", "correct it") from None
    found = await request.app[STORE].refused(city, since=since)
    note = partial(audit.record, principal=principal, action=READ, subject=f"city:{city}", clock=parts.clock)
    await parts.database.run(note)
    return web.Response(body=msgspec.json.encode(found), content_type="application/json")


OPERATIONS: Final = (
    Operation(
        method="GET",
        path="/api/v1/cities/{city}/refused",
        name="listRefused",
        handler=refused,
        answer=RefusedList,
        parameters=(_SINCE,),
        refusals=((400, "The query is wrong."),),
    ),
)


def _city(request: web.Request, principal: Principal) -> CityId:
    """Give the city asked for, when it is served here and the sender may see it."""
    city = CityId(request.match_info["city"])
    parts = request.app[PARTS]
    known = parts.topology.cities.get(city)
    if known is None or parts.site not in known.sites:
        raise Refusal(404, "not_found", "no such city at this site", "use a city that this site serves")
    if principal.city not in (None, city):
        raise Refusal(403, "forbidden", f"the token is for {principal.city}", "use a token that covers the city")
    return city
