"""In `hold`, at intervals: position, expected wait, and the offer of a call back, in the caller's dialect.

Fails open: what cannot be known is not told; whatever breaks here, the caller hears music again. An offer stops the
sentence: the bridge does it as it fills the mailbox, and between sentences this script looks by itself.
"""

from collections.abc import Mapping

from agi.scripts.callbacks import may_be_called_back
from agi.scripts.parts import Parts, digits, read_call
from agi.session import Session
from routing.waits import Wait, read_wait
from tieline import variables
from tieline.errors import TielineError

BEAT_OLD_S = 8
"""As in the dialplan (hold.conf): then the safety net takes the caller."""


async def run(parts: Parts, session: Session) -> Mapping[str, str]:
    """Say one sentence after the other as long as nothing happens."""
    call = read_call(parts, session)
    wait = await _wait(parts, session, call.call_id)
    ahead, wait_s = (wait.ahead, wait.wait_s) if wait else (None, None)
    offered = may_be_called_back(parts, call)
    for sentence in parts.voice.waiting(call.dialect, ahead, wait_s, callback=offered):
        key = await session.play_until_digit(sentence)
        if offered and key == parts.voice.waiting_rules.digit:
            return {variables.ROUTE: "callback"}
        if not await _still_waits(parts, session):
            break
    return {variables.ROUTE: "hold"}


async def _wait(parts: Parts, session: Session, call_id: str) -> Wait | None:
    try:
        return await session.or_gone(read_wait(parts.live, call_id, parts.clock()))
    except TielineError:
        return None


async def _still_waits(parts: Parts, session: Session) -> bool:
    """Look whether there is no offer yet, and still somebody to make one."""
    found = await session.get_variables(variables.MAILBOX, variables.HEARTBEAT_MATCHER)
    beat = digits(found[variables.HEARTBEAT_MATCHER].partition(".")[0])
    return not found[variables.MAILBOX] and parts.clock() - beat <= BEAT_OLD_S
