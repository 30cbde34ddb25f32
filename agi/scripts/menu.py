"""Steps 3 and 4: greeting, notices, dialect, business; in a surge of the city the short menu first. Then step 5.

Step 5 is done in the same session, since one more costs a call 2 ms of CPU. What was chosen is set first, as a script
that has ended sets it: if this server ends before the call is in the pool, the dialplan asks another one for `route`.

A business that is not answered at this hour is told so, and repair, an agent or a call back is offered; else the call
ends here (`TL_ROUTE` = end).

Fails open: without Redis the caller is not remembered and the menu goes on; when the script itself ends early the
dialplan goes to the net's own menu. Each question is put three times, then an agent answers.
"""

import asyncio
from collections.abc import Awaitable, Mapping
from dataclasses import replace
from hashlib import blake2b

from agi.scripts.callbacks import may_be_called_back, register
from agi.scripts.parts import CallSoFar, Parts, read_call, stamp
from agi.scripts.route import enter_pool
from agi.session import GatherEnd, Session
from ivr_prompts.flow import Ask, Done, How, MenuFlow, Say, Step
from routing.callback import Why
from tieline import bus, variables
from tieline.errors import TielineError
from tieline.model import DialectId

REMEMBERED_S = 366 * 86400
"""A caller's dialect is remembered for a year from the last call."""


async def run(parts: Parts, session: Session) -> Mapping[str, str]:
    """Lead the caller through the menus to a dialect and a business."""
    call = read_call(parts, session)
    now = parts.clock()
    flow = parts.voice.flow(
        call.city,
        remembered=await _remembered(parts, session, call),
        notices=parts.situation.notices(call.city.id, now),
        short=parts.situation.effect(call.city.id).short_menu,
        now=now,
    )
    step = await _lead(parts, session, flow, flow.start(), callback=may_be_called_back(parts, call))
    await _remember(parts, session, call, step)
    if step.how is How.CALLBACK:
        await _call_back(parts, session, call, step)
    chosen = {
        variables.DIALECT: step.dialect,
        variables.BUSINESS: step.business,
        variables.MENU_AT: stamp(parts.clock()),
        variables.ROUTE: "end" if step.how.ends else "",
    }
    if step.how.ends:
        return chosen
    await session.set_variables({**chosen, variables.DONE: "menu"})
    return await enter_pool(parts, session, replace(call, dialect=step.dialect, business=step.business))


async def _lead(parts: Parts, session: Session, flow: MenuFlow, step: Step, *, callback: bool) -> Done:
    """Go on until something is chosen that is answered at this hour, or the caller wants nothing."""
    while True:
        if not isinstance(step, Done):
            step = await _play(parts, session, flow, step)
            continue
        now = parts.clock()
        state = parts.hours.state(step.business, now)
        if state.is_open or step.how.ends:
            return step
        message = parts.voice.closed(step.dialect, state.next_opening, now)
        step = flow.on_closed(message, callback=callback)


async def _call_back(parts: Parts, session: Session, call: CallSoFar, done: Done) -> None:
    """Register a caller whose business is closed now; his place is that of this moment."""
    made = await register(
        parts, session, call, dialect=done.dialect, business=done.business, since=parts.clock(), why=Why.CLOSED
    )
    said = "callback_accepted" if made else "refuse_platform"
    await session.play(parts.voice.sentence(said, done.dialect))


async def _play(parts: Parts, session: Session, flow: MenuFlow, step: Ask | Say) -> Step:
    files = parts.voice.files(step.files)
    if isinstance(step, Say):
        await session.play(files)
        return flow.on_said()
    given = await session.gather(files, max_digits=step.max_digits, timeout_ms=step.timeout_ms)
    if given.digits:
        return flow.on_digits(given.digits)
    return flow.on_digits("#") if given.end is GatherEnd.TERMINATOR else flow.on_timeout()


async def _remembered(parts: Parts, session: Session, call: CallSoFar) -> DialectId | None:
    if not call.number:
        return None
    try:
        found = await session.or_gone(parts.live.call("GET", _key(call.number)))
    except TielineError:
        return None
    return DialectId(found.decode()) if found else None


async def _remember(parts: Parts, session: Session, call: CallSoFar, done: Done) -> None:
    chosen = bus.MenuChosen(at=parts.clock(), call_id=call.call_id, dialect=done.dialect, business=done.business)
    try:
        notes: list[Awaitable[object]] = [parts.live.tell(chosen)]
        if call.number and done.dialect_known:
            notes.append(parts.live.begin("SET", _key(call.number), done.dialect, "EX", REMEMBERED_S))
        await session.or_gone(asyncio.gather(*notes))  # both in one exchange with Redis
    except TielineError:
        return


def _key(number: str) -> str:
    """Name a caller's entry without writing the number down: Redis is no customer register."""
    return f"tl:dialect:{blake2b(number.encode(), digest_size=12).hexdigest()}"
