"""Step 7, when the caller is sent on: back to the pool with the original arrival time, and with what he needs now.

Or with what he needed before, when the phone to which he was handed over was not answered.

Fails open as `route` does: without Redis the safety net's queue answers. The first agent's leg ended when the caller
left it; what he needed before stays in force where nothing else is said.
"""

from collections.abc import Mapping
from dataclasses import replace

from agi.scripts.parts import Parts, read_call, stamp
from agi.scripts.route import waiting
from agi.session import Session
from tieline import variables
from tieline.errors import TielineError
from tieline.model import Business, DialectId


async def run(parts: Parts, session: Session) -> Mapping[str, str]:
    """Tell that the call waits again, and for whom."""
    before, now = read_call(parts, session), parts.clock()
    business, dialect, agent = [*before.onward.split(":"), "", ""][:3]
    call = replace(
        before,
        business=Business(business) if business in set(Business) else before.business,
        dialect=DialectId(dialect) if dialect in parts.topology.dialects else before.dialect,
    )
    since = call.since or now
    found = {variables.SINCE: stamp(since), variables.BUSINESS: call.business, variables.DIALECT: call.dialect}
    try:
        await parts.live.tell(waiting(parts, session, call, since, moved_at=now, wanted=agent))
    except TielineError:
        return {**found, variables.ROUTE: "static"}
    return {**found, variables.ROUTE: "hold"}
