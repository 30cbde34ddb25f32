"""The lines of Asterisk's queue_log for calls and agents of the matcher, exactly as app_queue would write them. Pure.

Source: Asterisk 22 apps/app_queue.c, the calls of `ast_queue_log`, and main/logger.c. Times are whole seconds, as
differences of `time(NULL)`; the ring time of RINGNOANSWER alone is in milliseconds. docs/queue-log.md tells people.
"""

from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from routing.agents import Agent
from routing.seats import Seat
from tieline import bus
from tieline.model import AgentId, AgentState, Business, DialectId

NONE: Final = "NONE"
MANAGER: Final = "MANAGER"
"""What app_queue writes for the call when a member came or went by AMI."""


class Stay(msgspec.Struct, frozen=True, kw_only=True):
    """A call from its entering the pool to its end; times in Unix seconds, 0 for not yet.

    Attributes:
        uniqueid: Of the caller's channel; the call's id where that is not known.
        position: Place in its queue when it entered, from 1.
        agent: Who answered, or whose phone rings; of any site.
        ended_at: When the agent's leg ended.
    """

    node: str
    queue: str
    uniqueid: str
    since: float
    position: int
    agent: str = ""
    rung_at: float = 0.0
    answered_at: float = 0.0
    ended_at: float = 0.0


def queue_of(business: str, dialect: str) -> str:
    """Name the queue of a need, e.g. `repair-min_nan`."""
    return f"{business}-{dialect}"


def queues_of(agent: Agent) -> list[str]:
    """List the queues that an agent is a member of: what he is trained for, in each dialect that he speaks."""
    dialects = [dialect for dialect in agent.dialects if agent.speaks(DialectId(dialect))]
    return sorted(queue_of(one, dialect) for one in Business if agent.trained_for(one) for dialect in dialects)


# --- calls ---------------------------------------------------------------------------------------------------


def entered(stay: Stay, number: str) -> bus.QueueLine:
    """`ENTERQUEUE`: url|caller's number|position; there is no url."""
    return _line(stay, "ENTERQUEUE", NONE, ("", number, str(stay.position)))


def connected(stay: Stay, member_uniqueid: str) -> bus.QueueLine:
    """`CONNECT`: wait|uniqueid of the agent's channel|ring time."""
    ring_s = _seconds(stay.rung_at, stay.answered_at) if stay.rung_at else 0
    return _line(stay, "CONNECT", stay.agent, (_wait(stay), member_uniqueid, str(ring_s)))


def not_answered(stay: Stay, agent: AgentId, at: float) -> bus.QueueLine:
    """`RINGNOANSWER`: ring time in milliseconds."""
    ring_ms = max(0, round((at - stay.rung_at) * 1000)) if stay.rung_at else 0
    return _line(stay, "RINGNOANSWER", agent, (str(ring_ms),))


def completed(stay: Stay, *, by_caller: bool) -> bus.QueueLine:
    """`COMPLETECALLER` or `COMPLETEAGENT`: wait|talk time|position when it entered; who hung up first."""
    event = "COMPLETECALLER" if by_caller else "COMPLETEAGENT"
    talk_s = _seconds(stay.answered_at, stay.ended_at)
    return _line(stay, event, stay.agent, (_wait(stay), str(talk_s), str(stay.position)))


def sent_on(stay: Stay, to: str, at: float) -> bus.QueueLine:
    """`BLINDTRANSFER`: extension|context|wait|talk time|position when it entered; the extension is to whom."""
    return _line(stay, "BLINDTRANSFER", stay.agent, (to, "transfer", *_waited_talked(stay, at)))


def handed_over(stay: Stay, at: float) -> bus.QueueLine:
    """`ATTENDEDTRANSFER`: BRIDGE|the call's channel in place of a bridge|wait|talk time|position when it entered."""
    return _line(stay, "ATTENDEDTRANSFER", stay.agent, ("BRIDGE", stay.uniqueid, *_waited_talked(stay, at)))


def _waited_talked(stay: Stay, at: float) -> tuple[str, str, str]:
    return _wait(stay), str(_seconds(stay.answered_at, at)), str(stay.position)


def abandoned(stay: Stay, position: int, at: float) -> bus.QueueLine:
    """`ABANDON`: position now|position when it entered|wait."""
    return _left(stay, "ABANDON", position, at)


def taken_by_net(stay: Stay, position: int, at: float) -> bus.QueueLine:
    """`EXITWITHTIMEOUT`: the matcher was silent and app_queue goes on with the call, in a queue of the safety net."""
    return _left(stay, "EXITWITHTIMEOUT", position, at)


def _left(stay: Stay, event: str, position: int, at: float) -> bus.QueueLine:
    return _line(stay, event, NONE, (str(position), str(stay.position), str(_seconds(stay.since, at))))


def _wait(stay: Stay) -> str:
    return str(_seconds(stay.since, stay.answered_at))


def _seconds(begin: float, end: float) -> int:
    return max(0, int(end) - int(begin))


def _line(stay: Stay, event: str, agent: str, fields: Sequence[str]) -> bus.QueueLine:
    return bus.QueueLine(queue=stay.queue, event=event, uniqueid=stay.uniqueid, agent=agent, fields=tuple(fields))


# --- agents --------------------------------------------------------------------------------------------------


def member_lines(agent: Agent, before: Seat, seat: Seat) -> Iterator[bus.QueueLine]:
    """Yield what changes for the queues of an agent: members are those at work, paused those who are not ready."""
    for event, uniqueid, field in _changes(before, seat):
        for queue in queues_of(agent):
            yield bus.QueueLine(queue=queue, event=event, uniqueid=uniqueid, agent=agent.id, fields=(field,))


def _changes(before: Seat, seat: Seat) -> Iterator[tuple[str, str, str]]:
    """Yield event, call and field. A member that comes paused is told by ADDMEMBER alone, as app_queue does."""
    there, stays = before.state is not AgentState.OFFLINE, seat.state is not AgentState.OFFLINE
    was_paused, is_paused = before.state is AgentState.NOT_READY, seat.state is AgentState.NOT_READY
    if there and not stays:
        yield "REMOVEMEMBER", MANAGER, ""
    elif stays and not there:
        yield "ADDMEMBER", MANAGER, "PAUSED" if is_paused else ""
    elif (was_paused, before.reason) != (is_paused, seat.reason) and (was_paused or is_paused):
        if was_paused:
            yield "UNPAUSE", NONE, ""
        if is_paused:
            yield "PAUSE", NONE, seat.reason
