"""Step 6, when the agent did not take the call: back to the pool with the original arrival time.

Fails open as `route` does. The agent is paused by the matcher, so the same phone does not ring again at once.
"""

from collections.abc import Mapping

from agi.scripts.parts import Parts, read_call, stamp
from agi.scripts.route import waiting
from agi.session import Session
from tieline import bus, variables
from tieline.errors import TielineError


async def run(parts: Parts, session: Session) -> Mapping[str, str]:
    """Tell that the offer failed, and that the call waits again."""
    call = read_call(parts, session)
    since = call.since or parts.clock()
    failed = bus.OfferFailed(
        at=parts.clock(),
        call_id=call.call_id,
        agent=call.tried_agent,
        fence=call.fence,
        status=call.dial_status,
    )
    try:
        await parts.live.tell(failed, waiting(parts, session, call, since))
    except TielineError:
        return {variables.SINCE: stamp(since), variables.ROUTE: "static"}
    return {variables.SINCE: stamp(since), variables.ROUTE: "hold"}
