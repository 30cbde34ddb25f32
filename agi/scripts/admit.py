"""Step 2, before answer: may this city use one more line?

Fails open: when Redis does not decide within 50 ms, or has no quotas yet, the verdict is `group` and Asterisk's own
count against the caps in its globals decides. Deadline 1.2 s in the dialplan, then the same. What was decided stands,
though the bus may not hear of it (as long again). The caller hears ringing until then. A caller who is refused hears
why, unless as many as allowed are hearing it already.
"""

import time
from collections.abc import Mapping
from contextlib import suppress

from agi.scripts.parts import ADMIT_DEADLINE_S, CallSoFar, Parts, read_call, stamp
from agi.session import Session
from tieline import bus, variables
from tieline.errors import TielineError
from tieline.model import CallerNumber, RefusalCause
from tieline.numbers import parse_caller
from tieline.streams import telling
from trunk_config.admission import Admission, Verdict, admit
from trunk_config.decision_times import BY_NODE

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
        answer = await _decide(parts, session, call, caller, now)
    except TielineError:
        return {**known, variables.VERDICT: "group"}
    with suppress(TielineError):  # else the dialplan would ask the next server, which waits for the same Redis
        await parts.live.call(*telling(_arrived(session, call, caller, answer, now)), deadline_s=ADMIT_DEADLINE_S)
    decided = {**known, variables.QUOTA: str(answer.version), variables.IN_USE: str(answer.in_use)}
    if answer.cause is None:
        return {**decided, variables.VERDICT: "admit"}
    message = _message(parts, call, answer.cause, now) if answer.verdict is Verdict.MESSAGE else ()
    return {
        **decided,
        variables.VERDICT: "refuse",
        variables.REFUSED: str(answer.cause),
        variables.SAY: "&".join(message),
    }


def _message(parts: Parts, call: CallSoFar, cause: RefusalCause, now: float) -> tuple[str, ...]:
    city = call.city.id
    notices = parts.situation.notices(city, now)
    in_surge = parts.situation.effect(city).refusal if cause is RefusalCause.QUOTA else ""
    return parts.voice.refusal(call.city, cause, notices, now, instead=in_surge)


async def _decide(parts: Parts, session: Session, call: CallSoFar, caller: CallerNumber, now: float) -> Admission:
    began = time.perf_counter()
    try:
        answer = await session.or_gone(
            admit(
                parts.live,
                uniqueid=session.request.uniqueid,
                city=call.city.id,
                number=caller.e164,
                allowances=parts.allowances,
                now=now,
                deadline_s=ADMIT_DEADLINE_S,
            )
        )
    except TielineError:
        parts.decision_times.took(BY_NODE, time.perf_counter() - began)
        raise
    parts.decision_times.took(answer.verdict, time.perf_counter() - began)
    return answer


def _arrived(
    session: Session, call: CallSoFar, caller: CallerNumber, answer: Admission, now: float
) -> bus.CallArrived:
    return bus.CallArrived(
        at=now,
        call_id=call.call_id,
        node=call.node,
        channel=session.request.channel,
        uniqueid=session.request.uniqueid,
        city=call.city.id,
        number_state=caller.state,
        number=caller.e164,
        refused_cause=answer.cause or 0,
        trunk=call.trunk,
        verdict=answer.verdict,
        quota_version=answer.version,
        lines_in_use=answer.in_use,
    )


def _caller(parts: Parts, session: Session, call: CallSoFar) -> CallerNumber:
    asked = {word.strip().lower() for word in call.privacy.split(";")}
    return parse_caller(
        session.request.caller_number,
        session.request.caller_name,
        privacy=bool(asked & set(_PRIVATE)),
        trunk_city=call.city.id,
        plan=parts.numbers,
    )
