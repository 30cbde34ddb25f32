"""Step 2, before answer: may this city use one more line?

Fails open: when Redis does not decide within 50 ms the verdict is `group` and Asterisk's own count against the
rendered cap decides. Deadline 1.2 s in the dialplan, then the same. The caller hears ringing until then.
"""

from collections.abc import Mapping

from agi.scripts.parts import ADMIT_DEADLINE_S, CallSoFar, Parts, read_call, stamp
from agi.session import Session
from tieline import bus, variables
from tieline.errors import TielineError
from tieline.model import CallerNumber
from tieline.numbers import parse_caller
from trunk_config.admission import admit

QUOTA_REACHED = 34
"""Q.850 34, no circuit available: the city's lines are all in use."""

_PRIVATE = ("id", "user", "header", "session", "critical")
"""Values of SIP's Privacy header (RFC 3323) that ask for the number to be withheld."""


async def run(parts: Parts, session: Session) -> Mapping[str, str]:
    """Decide, and name the caller's number as far as it is known."""
    now = parts.clock()
    call = read_call(parts, session)
    caller = _caller(parts, session, call)
    known = {
        variables.ARRIVED: stamp(now),
        variables.NUMBER_STATE: str(caller.state),
        variables.NUMBER: caller.e164,
    }
    try:
        answer = await session.or_gone(
            admit(
                parts.live,
                uniqueid=session.request.uniqueid,
                city=call.city.id,
                cap=parts.caps[call.city.id],
                now=now,
                deadline_s=ADMIT_DEADLINE_S,
            )
        )
    except TielineError:
        return {**known, variables.VERDICT: "group"}
    cause = 0 if answer.granted else QUOTA_REACHED
    arrived = bus.CallArrived(
        at=now,
        call_id=call.call_id,
        node=call.node,
        channel=session.request.channel,
        uniqueid=session.request.uniqueid,
        city=call.city.id,
        number_state=caller.state,
        number=caller.e164,
        refused_cause=cause,
    )
    await parts.live.tell(arrived)
    if answer.granted:
        return {**known, variables.VERDICT: "admit"}
    notices = parts.situation.notices(call.city.id, now)
    return {
        **known,
        variables.VERDICT: "refuse",
        variables.REFUSED: str(cause),
        variables.SAY: "&".join(parts.voice.refusal(call.city, QUOTA_REACHED, notices, now)),
    }


def _caller(parts: Parts, session: Session, call: CallSoFar) -> CallerNumber:
    asked = {word.strip().lower() for word in call.privacy.split(";")}
    return parse_caller(
        session.request.caller_number,
        session.request.caller_name,
        privacy=bool(asked & set(_PRIVATE)),
        trunk_city=call.city.id,
        plan=parts.numbers,
    )
