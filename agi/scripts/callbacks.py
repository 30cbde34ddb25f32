"""Making an entry for a caller who is to be called back; what the scripts share."""

from agi.scripts.parts import CallSoFar, Parts
from agi.session import Session
from routing.callback import Callback, State, Why
from routing.callback_live import add, read_of
from tieline.errors import TielineError
from tieline.model import Business, CallId, DialectId


def may_be_called_back(parts: Parts, call: CallSoFar) -> bool:
    """Tell whether the caller showed a number that may be dialled."""
    return parts.callback.may_dial(call.number)


async def register(
    parts: Parts, session: Session, call: CallSoFar, *, dialect: DialectId, business: Business, since: float, why: Why
) -> bool:
    """Make the entry, with the caller still there; tells whether he will be called back."""
    entry = Callback(
        call_id=CallId(call.call_id),
        site=parts.site,
        city=call.city.id,
        trunk=call.trunk,
        number=call.number,
        dialect=dialect,
        business=business,
        why=why,
        since=since,
        made_at=parts.clock(),
    )
    try:
        made = await session.or_gone(add(parts.live, entry))
        known = entry if made else await session.or_gone(read_of(parts.live, entry.number))
    except TielineError:
        return False
    return known is not None and known.state is State.OPEN  # one that has ended is there while SQL is away
