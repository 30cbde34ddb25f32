"""Step 5: the call enters the waiting pool, and the dialplan goes to hold.

The menu goes straight on to it; the script is for a caller whose menu ended and whose server ended before this.

Fails open: when Redis is away nobody could match the call, so the verdict is `static` and the caller goes to the
safety net's queue at once instead of after ten seconds of music.
"""

from collections.abc import Mapping

from agi.scripts.parts import CallSoFar, Parts, read_call, stamp
from agi.session import Session
from routing.known_callers import UNKNOWN
from tieline import bus, variables
from tieline.errors import TielineError


async def run(parts: Parts, session: Session) -> Mapping[str, str]:
    """Put the call into the pool."""
    return await enter_pool(parts, session, read_call(parts, session))


async def enter_pool(parts: Parts, session: Session, call: CallSoFar) -> Mapping[str, str]:
    """Tell the matcher what the call needs; give what is to be set on its channel."""
    since = call.since or parts.clock()
    try:
        await parts.live.tell(waiting(parts, session, call, since))
    except TielineError:
        return {variables.SINCE: stamp(since), variables.ROUTE: "static"}
    return {variables.SINCE: stamp(since), variables.ROUTE: "hold"}


def waiting(
    parts: Parts, session: Session, call: CallSoFar, since: float, *, moved_at: float = 0.0, wanted: str = ""
) -> bus.CallWaiting:
    """Say what the call needs, and since when it waits; when it was transferred, and to whom."""
    known = parts.callers.get(call.number, UNKNOWN)
    return bus.CallWaiting(
        at=parts.clock(),
        call_id=call.call_id,
        node=call.node,
        channel=session.request.channel,
        city=call.city.id,
        dialect=call.dialect,
        business=call.business,
        since=since,
        lane=known.lane,
        county=known.county,
        only_dialect=known.only_dialect,
        uniqueid=session.request.uniqueid,
        number=call.number,
        moved_at=moved_at,
        wanted=wanted,
    )
