"""`/api/v1/callbacks`: who is to be called back, with whole numbers; each look and each change is audited."""

import asyncio
from collections.abc import Sequence
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
    end = partial(request.app[CALLBACKS].cancel, CallId(request.match_info["call"]), by, why=asked.why)
    return _answer(await asyncio.to_thread(end))


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
)


def _answer(what: object) -> web.Response:
    return web.Response(body=msgspec.json.encode(what), content_type="application/json")
