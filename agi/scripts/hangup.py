"""Step 8: the first witness of a hang-up. The facts go to disk before the script ends, whatever else is down.

Fails closed on the disk alone: without a synced record the script does not finish, and the dialplan asks the next
server, then the stdio script. Redis may be away: the forwarder finds the record in the journal, and the keeper ends
the lease of the line. It ends here first because that needs no bridge: while one restarts, lines of calls that have
ended would keep others out.
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress

from agi.scripts.parts import Parts, digits
from agi.session import Session
from crm_adapter.facts import from_variables
from crm_adapter.record import CallRecord
from routing.callback import Callback, Why
from routing.callback_live import add
from tieline import bus, variables
from tieline.errors import TielineError
from tieline.model import Business, CallId, CityId, DialectId, Outcome, Witness
from trunk_config.admission import node_of, release


async def run(parts: Parts, session: Session) -> Mapping[str, str]:
    """Write the call's record, then tell the bus and give the line back."""
    now = parts.clock()
    node = node_of(session.request.uniqueid)
    facts = variables.values_of(variables.FACTS, session.request.arguments)
    record = from_variables(
        facts,
        node=node,
        site=parts.site,
        uniqueid=session.request.uniqueid,
        linkedid=session.request.uniqueid,
        channel=session.request.channel,
        hangup_at=now,
        witness=Witness.AGI,
        hangup_cause=digits(facts.get("HANGUPCAUSE", "")),
        hangup_source=facts.get("TL_BYE", ""),
    )
    await parts.journal.append(record)
    told = bus.CallJournalled(at=now, call_id=record.call_id, node=node, outcome=record.outcome, witness=Witness.AGI)
    with suppress(TielineError):
        await asyncio.gather(parts.live.tell(told), release(parts.live, session.request.uniqueid))
        if record.outcome is Outcome.ABANDONED_WAITING and record.business == Business.REPAIR:
            await _call_back(parts, record)
    return {}


async def _call_back(parts: Parts, record: CallRecord) -> None:
    """Who gave up waiting for repair is called back if his number may be dialled; he keeps his place."""
    if parts.callback.may_dial(record.number):
        entry = Callback(
            call_id=CallId(record.call_id),
            site=parts.site,
            city=CityId(record.city),
            trunk=record.trunk,
            number=record.number,
            dialect=DialectId(record.dialect),
            business=Business.REPAIR,
            why=Why.HUNG_UP,
            since=record.waiting_since,
            made_at=record.hangup_at,
        )
        await add(parts.live, entry)
