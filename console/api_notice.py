"""`/api/v1/notices`: what is known of outages. Agents may look, too; who may write is the desk's to say."""

import asyncio
from functools import partial
from typing import Final

import msgspec
from aiohttp import web

from console.access import onlooker, recognised
from console.body import Unreadable, read_body
from console.keys import NOTICES, PARTS
from console.operations import Operation, Words
from console.schemas import NoticeAsked, NoticeList
from ivr_prompts.notice import Notice
from ivr_prompts.notice_desk import covers_city

_COUNTY: Final = Words("county", "A county of the city; without it the whole city.", "")


async def listed(request: web.Request) -> web.Response:
    """List the notices that hold now, by place.

    A token of one city sees those of that city alone. Agents may look, too: callers ask them.
    """
    principal, topology = await onlooker(request), request.app[PARTS].topology
    found = await asyncio.to_thread(request.app[NOTICES].all)
    return _answer(NoticeList([notice for notice in found if covers_city(principal, topology, notice.city)]))


async def put(request: web.Request) -> web.Response:
    """Tell of an outage; an older notice of the same place is replaced. Callers hear it within two seconds."""
    by, desk = await recognised(request), request.app[NOTICES]
    city, county = _place(request)
    try:
        asked = read_body(await request.read(), NoticeAsked)
    except Unreadable as error:
        raise await asyncio.to_thread(partial(desk.unreadable, city, county, error.problems, by=by)) from None
    made = await asyncio.to_thread(partial(desk.set, city, county, cause=asked.cause, until=asked.until, by=by))
    return _answer(made)


async def clear(request: web.Request) -> web.Response:
    """Take the notice of a place back before its end; answers with it."""
    by, desk = await recognised(request), request.app[NOTICES]
    return _answer(await asyncio.to_thread(partial(desk.clear, *_place(request), by=by)))


_PATH: Final = "/api/v1/notices"
_INVALID: Final = (422, "`invalid`: every reason is in `problems`. `unreadable`: no JSON, or not of this form.")

OPERATIONS: Final = (
    Operation(method="GET", path=_PATH, name="listNotices", handler=listed, answer=NoticeList),
    Operation(
        method="PUT",
        path=f"{_PATH}/{{city}}",
        name="setNotice",
        handler=put,
        takes=NoticeAsked,
        answer=Notice,
        parameters=(_COUNTY,),
        refusals=(_INVALID,),
    ),
    Operation(
        method="DELETE",
        path=f"{_PATH}/{{city}}",
        name="clearNotice",
        handler=clear,
        answer=Notice,
        parameters=(_COUNTY,),
        refusals=(_INVALID,),
    ),
)


def _place(request: web.Request) -> tuple[str, str]:
    return request.match_info["city"], request.query.get(_COUNTY.name, _COUNTY.default)


def _answer(what: object) -> web.Response:
    return web.Response(body=msgspec.json.encode(what), content_type="application/json")
