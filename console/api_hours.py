"""`/api/v1/hours`: which business is answered at a time, and why. Agents may look, too: callers ask them."""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
from aiohttp import web

from console.access import onlooker
from console.errors import Refusal
from console.keys import PARTS
from console.operations import Operation, Words
from routing.hours_view import BusinessHours, states, warnings
from tieline.model import Business
from tieline.moment import FORMS, read_moment

_AT: Final = Words("at", f"Another time than now: {FORMS}.", "+0m")


class HoursTold(msgspec.Struct, frozen=True, kw_only=True):
    """The hours at a time.

    Attributes:
        at: The time, Unix seconds.
        warnings: What of the calendar is not sure.
    """

    at: float
    businesses: Mapping[Business, BusinessHours]
    warnings: Sequence[str]


async def hours(request: web.Request) -> web.Response:
    """Tell which business is answered, why, and when the closed ones open again; the same at both sites."""
    await onlooker(request)
    parts = request.app[PARTS]
    try:
        at = read_moment(request.query.get(_AT.name, _AT.default), parts.clock())
    except ValueError as error:
        raise Refusal(400, "bad_request", f"at: {error}", "correct it") from None
    told = HoursTold(at=at, businesses=states(parts.hours, at), warnings=warnings(parts.hours, at))
    return web.Response(body=msgspec.json.encode(told), content_type="application/json")


OPERATIONS: Final = (
    Operation(
        method="GET",
        path="/api/v1/hours",
        name="getHours",
        handler=hours,
        answer=HoursTold,
        parameters=(_AT,),
        refusals=((400, "The query is wrong."),),
    ),
)
