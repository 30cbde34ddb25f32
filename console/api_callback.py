"""`/api/v1/callbacks`: who is to be called back, with whole numbers; each look and each change is audited."""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import Annotated, Final

import msgspec
from aiohttp import web

from console.access import caller_back
from console.body import Unreadable, read_body
from console.errors import Refusal
from console.keys import CALLBACKS, PARTS
from console.operations import Operation, Words
from routing.callback import Callback
from tieline.model import CallId
from tieline.refused import DeskName, Kind, Refused

_STATE: Final = Words("state", "`open`, or `all`: the ended ones, too, of the newest thousand.", "open")


class CallbackList(msgspec.Struct, frozen=True):
    """Entries of this site, the oldest place first."""

    callbacks: Sequence[Callback]


class CancelAsked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """No call back is needed any more.

    Attributes:
        why: The reason, for the audit trail.
    """

    why: Annotated[str, msgspec.Meta(min_length=1, max_length=400)]


async def listed(request: web.Request) -> web.Response:
    """List who is to be called back. A token of one city sees the entries of that city alone."""
    by, state = await caller_back(request), request.query.get(_STATE.name, _STATE.default)
    if state not in ("open", "all"):
        raise Refusal(400, "bad_request", "state: neither `open` nor `all`", "correct it")
    look = partial(request.app[CALLBACKS].entries, by, site=request.app[PARTS].site, with_ended=state == "all")
    return _answer(CallbackList(await asyncio.to_thread(look)))


async def cancel(request: web.Request) -> web.Response:
    """Note that a caller needs no call back any more; answers with the entry as it ended."""
    by = await caller_back(request)
    try:
        asked = read_body(await request.read(), CancelAsked)
    except Unreadable as error:
        raise Refused(DeskName.CALLBACKS, Kind.UNREADABLE, "no reason", error.problems) from None
    return await _noted(request, partial(request.app[CALLBACKS].cancel, by=by, why=asked.why))


async def reached(request: web.Request) -> web.Response:
    """Note that somebody has called a caller back by hand and spoke with him; answers with the entry as it ended."""
    by = await caller_back(request)
    return await _noted(request, partial(request.app[CALLBACKS].reached, by=by))


async def tried(request: web.Request) -> web.Response:
    """Note that nobody answered at a caller's number; answers with the entry.

    It is to be tried again from `next_at` on, at another time of the day. After the last try it has ended:
    `not_reached`.
    """
    by = await caller_back(request)
    return await _noted(request, partial(request.app[CALLBACKS].tried, by=by))


async def _noted(request: web.Request, note: Callable[[CallId], Callback]) -> web.Response:
    return _answer(await asyncio.to_thread(note, CallId(request.match_info["call"])))


OPERATIONS: Final = (
    Operation(
        method="GET",
        path="/api/v1/callbacks",
        name="listCallbacks",
        handler=listed,
        answer=CallbackList,
        parameters=(_STATE,),
        refusals=((400, "The query is wrong."),),
    ),
    Operation(
        method="POST",
        path="/api/v1/callbacks/{call}/cancel",
        name="cancelCallback",
        handler=cancel,
        takes=CancelAsked,
        answer=Callback,
        refusals=((422, "`unreadable`: no JSON, or not of this form."),),
    ),
    Operation(
        method="POST",
        path="/api/v1/callbacks/{call}/reached",
        name="noteCallbackReached",
        handler=reached,
        answer=Callback,
    ),
    Operation(
        method="POST",
        path="/api/v1/callbacks/{call}/tried",
        name="noteCallbackTried",
        handler=tried,
        answer=Callback,
    ),
)


def _answer(what: object) -> web.Response:
    return web.Response(body=msgspec.json.encode(what), content_type="application/json")
