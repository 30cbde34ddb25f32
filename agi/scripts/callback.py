"""A waiting caller pressed the key for a call back: he is registered with his place, told so, and the call ends.

Fails open: who cannot be registered (no number that may be dialled, Redis away) goes on waiting as if he had not
pressed.
"""

from collections.abc import Mapping

from agi.scripts.callbacks import may_be_called_back, register
from agi.scripts.parts import Parts, read_call
from agi.session import Session
from routing.callback import Why
from tieline import variables


async def run(parts: Parts, session: Session) -> Mapping[str, str]:
    """Register, then say so; the entry stands also when the caller hangs up before the last word."""
    call = read_call(parts, session)
    since = call.since or parts.clock()
    made = may_be_called_back(parts, call) and await register(
        parts, session, call, dialect=call.dialect, business=call.business, since=since, why=Why.KEY
    )
    if not made:
        return {variables.ROUTE: "hold"}
    await session.play(parts.voice.sentence("callback_accepted", call.dialect))
    return {variables.ROUTE: "end"}
