"""The facts of one call at its hang-up: one line of the journal, one row in SQL. Pure.

A call may be witnessed more than once (hang-up script, stdio script, AMI, snapshot). Each witness writes what
it knows as a `CallRecord`; `crm_adapter.merging` makes one of them.
"""

from typing import Final

import msgspec

from tieline.model import Business, Outcome, Witness, is_call_id

VERSION: Final = 1

LONGEST: Final = 128
"""Characters that a text of a record may have."""
LATEST: Final = 1e11
"""No time of a record is as late, Unix seconds."""
_INT32: Final = 1 << 31


class TalkLeg(msgspec.Struct, frozen=True, order=True):
    """One agent's part of the talk: what the caller wanted of him, and from when until when, Unix seconds."""

    agent: str
    business: str
    begin: float
    end: float = 0.0


class CallRecord(msgspec.Struct, frozen=True, kw_only=True):
    """The facts of a call. Times are Unix seconds; 0 means that it did not happen, or that nobody knows.

    Attributes:
        v: Version of this layout; always the first key of a line.
        number: E.164, empty unless `number_state` is shown.
        refused_cause: Q.850 cause of a refusal of ours (34 quota, 42 platform), else 0.
        waiting_since: Arrival in the waiting pool; kept when an offer fails.
        hangup_at: Point A of the repair clock.
        hangup_cause: Q.850 cause as Asterisk gave it; no evidence of who left.
        hangup_source: Channel that hung up; equal to `channel` when the caller left.
        estimated: `hangup_at` is the last sign of life, not a hang-up that somebody saw.
        agent_answered_at: When the first agent took the call; `agent` is the last one.
        legs: The agents' parts of the talk, in order; the last one ends at the hang-up at the latest.
        rating: 1 (very satisfied) to 4, or 0 for none.
        recording: File name, or empty.
        witness: The best witness among those merged.
        net: The call was served by the safety net (dialplan alone).
        called_back: We rang the caller, at least once, after he had left the line.
        raw_number: Digits of the caller's number as the trunk showed them, kept only while nobody has read it (no
            Python answered the call); delivery turns it into `number`.
        quota_version: The quotas by which the call was admitted or refused.
        lines_in_use: Lines that its city used then.
        borrowed: Facts that came from a worse witness than `witness`, by name, sorted.
    """

    v: int = VERSION
    call_id: str
    node: str = ""
    site: str = ""
    uniqueid: str = ""
    linkedid: str = ""
    channel: str = ""
    city: str = ""
    trunk: str = ""
    number_state: str = ""
    number: str = ""
    dialect: str = ""
    business: str = ""
    outcome: Outcome = Outcome.LOST
    refused_cause: int = 0
    agent: str = ""
    arrived_at: float = 0.0
    answered_at: float = 0.0
    menu_done_at: float = 0.0
    waiting_since: float = 0.0
    agent_answered_at: float = 0.0
    hangup_at: float = 0.0
    hangup_cause: int = 0
    hangup_source: str = ""
    estimated: bool = False
    legs: tuple[TalkLeg, ...] = ()
    rating: int = 0
    recording: str = ""
    witness: Witness
    net: bool = False
    called_back: bool = False
    raw_number: str = ""
    quota_version: int = 0
    lines_in_use: int = 0
    borrowed: tuple[tuple[str, Witness], ...] = ()


def outcome_of(facts: CallRecord) -> Outcome:
    """Tell how a call ended, from which of its times are set; `facts.outcome` is not looked at.

    A talk outweighs everything. A menu that was done without waiting is self-service when the platform ended the
    call or a notice was asked for; a caller who left in that instant abandoned the menu.
    """
    if facts.agent_answered_at:
        return Outcome.CALLED_BACK if facts.called_back else Outcome.ANSWERED
    if facts.refused_cause:
        return Outcome.REFUSED
    if facts.waiting_since:
        return Outcome.ABANDONED_WAITING
    if facts.menu_done_at:
        platform_left = facts.hangup_source not in {"", facts.channel}
        served = platform_left or facts.business == Business.OUTAGE
        return Outcome.SELF_SERVED if served else Outcome.ABANDONED_MENU
    if facts.arrived_at or facts.answered_at:
        return Outcome.ABANDONED_MENU
    return Outcome.LOST


# --- one line of the journal ---------------------------------------------------------------------------------

_ENCODER: Final = msgspec.json.Encoder()
_DECODER: Final[msgspec.json.Decoder[CallRecord]] = msgspec.json.Decoder(CallRecord)


def encode(record: CallRecord) -> bytes:
    """Encode a record as one line, newline included; no value can hold a raw newline in JSON."""
    return _ENCODER.encode(record) + b"\n"


def maybe_decode(line: bytes) -> CallRecord | None:
    """Decode a line, or the record at the end of a line that begins with the torn half of another; else None."""
    start = line.rfind(b'{"v":')
    if start < 0:
        return None
    try:
        record = _DECODER.decode(line[start:])
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    return record if _is_sound(record) else None


def _is_sound(record: CallRecord) -> bool:
    """Tell whether any database takes the record: one that none takes would block all behind it."""
    values = [getattr(record, name) for name in record.__struct_fields__]
    values += [value for leg in record.legs for value in (leg.agent, leg.business, leg.begin, leg.end)]
    texts = [value for value in values if isinstance(value, str)]
    numbers = [value for value in values if isinstance(value, int | float)]
    counts = [value for value in values if isinstance(value, int)]
    return (
        is_call_id(record.call_id)
        and all(text.isprintable() and len(text) <= LONGEST for text in texts)
        and all(0 <= number < LATEST for number in numbers)
        and all(count < _INT32 for count in counts)
    )
