"""`/api/v1/ladders`: how needs are relaxed as callers wait, the same at every site. Who may change: the desk says."""

from typing import Final

import msgspec
from aiohttp import web

from console.access import recognised, sender
from console.body import Unreadable, read_body
from console.keys import LADDERS
from console.operations import Number, Operation
from console.query import number_of
from console.schemas import LadderHistory, LaddersAsked, LadderUndoAsked
from routing.ladder_versions import LadderVersion

_NEWEST: Final = Number("newest", "How many versions at most.", 1, 1000, 20)


async def show(request: web.Request) -> web.Response:
    """Give the ladders in force: the text of a TOML file, with its comments."""
    await sender(request)
    return _answer(await request.app[LADDERS].version())


async def history(request: web.Request) -> web.Response:
    """List the versions, the newest first: who, when, why; version 0 ships with Tieline."""
    await sender(request)
    return _answer(LadderHistory(await request.app[LADDERS].history(newest=number_of(request, _NEWEST))))


async def put(request: web.Request) -> web.Response:
    """Put a whole file in force at every site, within a second; calls that wait are looked at again by it."""
    by, desk = await recognised(request), request.app[LADDERS]
    try:
        asked = read_body(await request.read(), LaddersAsked)
    except Unreadable as error:
        raise await desk.note_unreadable(by, error.problems) from None
    return _answer(await desk.put(asked.text, why=asked.why, base=asked.base, by=by))


async def undo(request: web.Request) -> web.Response:
    """Bring the text of a former version back, as a new version."""
    by, desk = await recognised(request), request.app[LADDERS]
    try:
        asked = read_body(await request.read(), LadderUndoAsked)
    except Unreadable as error:
        raise await desk.note_unreadable(by, error.problems) from None
    return _answer(await desk.undo(asked.to, why=asked.why, base=asked.base, by=by))


_PATH: Final = "/api/v1/ladders"
_REFUSALS: Final = (
    (409, "`stale_base`: others changed the ladders meanwhile, see `lines`."),
    (422, "`invalid`: every reason is in `problems`. `unreadable`: no JSON, or not of this form."),
)

OPERATIONS: Final = (
    Operation(method="GET", path=_PATH, name="showLadders", handler=show, answer=LadderVersion),
    Operation(
        method="PUT",
        path=_PATH,
        name="putLadders",
        handler=put,
        takes=LaddersAsked,
        answer=LadderVersion,
        refusals=_REFUSALS,
    ),
    Operation(
        method="POST",
        path=f"{_PATH}/undo",
        name="undoLadders",
        handler=undo,
        takes=LadderUndoAsked,
        answer=LadderVersion,
        refusals=_REFUSALS,
    ),
    Operation(
        method="GET",
        path=f"{_PATH}/history",
        name="listLadderVersions",
        handler=history,
        answer=LadderHistory,
        parameters=(_NEWEST,),
        refusals=((400, "The query is wrong."),),
    ),
)


def _answer(what: object) -> web.Response:
    return web.Response(body=msgspec.json.encode(what), content_type="application/json")
