"""`/api/v1/calls/{call}/transfer`: what can be done with a call in progress."""

from typing import Final

import msgspec
from aiohttp import web

from console.access import recognised
from console.body import Unreadable, read_body
from console.keys import TRANSFERS
from console.operations import Operation
from routing.transfer_desk import Transfer
from tieline.refused import DeskName, Kind, Refused


class TransferTaken(msgspec.Struct, frozen=True):
    """The transfer is on its way, or the phone of who is consulted is dialled.

    Who takes the caller on is told on the live socket and by `GET …/decisions`.
    """

    call_id: str
    to: str
    step: str


async def transfer(request: web.Request) -> web.Response:
    """Let a caller who talks with an agent go on with another one: at once, or after a consultation.

    An agent transfers his own caller, a supervisor those of his scope. The caller keeps his place: he counts as
    having waited since he first came.
    """
    by, call = await recognised(request), request.match_info["call"]
    try:
        wanted = read_body(await request.read(), Transfer)
    except Unreadable as error:
        raise Refused(DeskName.CALLS, Kind.UNREADABLE, "no transfer", error.problems) from None
    await request.app[TRANSFERS].ask(call, wanted, by=by)
    return web.Response(
        body=msgspec.json.encode(TransferTaken(call, wanted.to, wanted.step)), content_type="application/json"
    )


OPERATIONS: Final = (
    Operation(
        method="POST",
        path="/api/v1/calls/{call}/transfer",
        name="transferCall",
        handler=transfer,
        takes=Transfer,
        answer=TransferTaken,
        refusals=(
            (409, "`conflict`: the call does not talk, the agent cannot take it now, or nobody answered."),
            (422, "`invalid`: no such place to go on. `unreadable`: no JSON, or not of this form."),
        ),
    ),
)
