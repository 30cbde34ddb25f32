"""The facts of one call at its hang-up: one line of the journal, one row in SQL. Pure.

A call may be witnessed more than once (hang-up script, stdio script, AMI, snapshot). Each witness writes what
it knows as a `CallRecord`; `crm_adapter.merging` makes one of them.
"""

import math
import re
from collections.abc import Mapping
from typing import Final

import msgspec

from tieline.model import Business, NumberState, Outcome, Witness, is_call_id

VERSION: Final = 1

VARIABLES: Final[Mapping[str, str]] = {
    "call_id": "TL_CALL",
    "city": "TL_CITY",
    "trunk": "TL_TRUNK",
    "number_state": "TL_NUMSTATE",
    "number": "TL_NUMBER",
    "dialect": "TL_DIALECT",
    "business": "TL_BUSINESS",
    "refused_cause": "TL_REFUSED",
    "agent": "TL_AGENT",
    "arrived_at": "TL_ARRIVED",
    "answered_at": "TL_ANSWERED",
    "menu_done_at": "TL_MENU_AT",
    "waiting_since": "TL_SINCE",
    "agent_answered_at": "TL_AGENT_AT",
    "legs": "TL_LEGS",
    "rating": "TL_RATING",
    "recording": "TL_RECORDING",
    "net": "TL_NET",
    "called_back": "TL_CALLED_BACK",
    "raw_number": "TL_RAW",
    "quota_version": "TL_QUOTA",
    "lines_in_use": "TL_USED",
}
"""The channel variable that carries each fact; `agi/stdio_hangup.py` has the same table (a test holds it)."""


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


# --- from channel variables ----------------------------------------------------------------------------------

_WORD: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_RAW: Final = re.compile(r"\+?[0-9]{3,24}")
_E164: Final = re.compile(r"\+[1-9][0-9]{2,17}")
_FILE: Final = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.:-]{0,127}")
_NOT_IN_ID: Final = re.compile(r"[^a-z0-9.-]")
_LATEST: Final = 1e11
LONGEST: Final = 128
"""Characters that a text of a record may have."""
_INT32: Final = 1 << 31
_WORST_RATING: Final = 4
_WORST_CAUSE: Final = 127
_LEG: Final = re.compile(
    r"(a[0-9]{3,8}):([a-z_]*)@([0-9]{1,12}(?:\.[0-9]{0,9})?)(?:-([0-9]{1,12}(?:\.[0-9]{0,9})?))?", re.ASCII
)
_DIGITS: Final = re.compile(r"[0-9]{1,3}", re.ASCII)
_COUNT: Final = re.compile(r"[0-9]{1,9}", re.ASCII)
_TIME: Final = re.compile(r"[0-9]{1,12}(?:\.[0-9]{0,9})?", re.ASCII)


def from_variables(
    variables: Mapping[str, str],
    *,
    node: str,
    site: str,
    uniqueid: str,
    linkedid: str,
    channel: str,
    hangup_at: float,
    witness: Witness,
    hangup_cause: int = 0,
    hangup_source: str = "",
    estimated: bool = False,
) -> CallRecord:
    """Read the facts that a caller's channel carries; never raises, because a record must always be written.

    A value that is missing or not of its form becomes empty or 0. A missing or broken call id becomes
    `node:uniqueid`, the form used without an edge.

    Args:
        variables: The `TL_*` variables (see `VARIABLES`); others are ignored.
        node: Asterisk's `systemname`.
        site: The node's site.
        uniqueid: Of the caller's channel.
        linkedid: Of the caller's channel.
        channel: Name of the caller's channel.
        hangup_at: Unix seconds.
        witness: Who writes this.
        hangup_cause: Q.850, 0 to 127.
        hangup_source: `CHANNEL(hangupsource)`.
        estimated: `hangup_at` is the last sign of life only.
    """

    def text(fact: str) -> str:
        return variables.get(VARIABLES[fact], "")

    hangup = hangup_at if math.isfinite(hangup_at) and 0 < hangup_at < _LATEST else 0.0
    state = text("number_state") if text("number_state") in _NUMBER_STATES else ""
    record = CallRecord(
        call_id=call_id_of(text("call_id"), node, uniqueid, hangup),
        node=printable(node),
        site=printable(site),
        uniqueid=printable(uniqueid),
        linkedid=printable(linkedid),
        channel=printable(channel),
        city=_matching(_WORD, text("city")),
        trunk=_matching(_WORD, text("trunk")),
        number_state=state,
        number=_matching(_E164, text("number")) if state == NumberState.SHOWN else "",
        dialect=_matching(_WORD, text("dialect")),
        business=text("business") if text("business") in _BUSINESSES else "",
        refused_cause=_number_up_to(_WORST_CAUSE, text("refused_cause")),
        agent=_matching(_WORD, text("agent")),
        arrived_at=_time(text("arrived_at")),
        answered_at=_time(text("answered_at")),
        menu_done_at=_time(text("menu_done_at")),
        waiting_since=_time(text("waiting_since")),
        agent_answered_at=_time(text("agent_answered_at")),
        hangup_at=hangup,
        hangup_cause=hangup_cause if 0 <= hangup_cause <= _WORST_CAUSE else 0,
        hangup_source=printable(hangup_source),
        estimated=estimated,
        legs=legs_of(text("legs"), hangup),
        rating=_number_up_to(_WORST_RATING, text("rating")),
        recording=_matching(_FILE, text("recording")),
        witness=witness,
        net=text("net") == "1",
        called_back=text("called_back") == "1",
        raw_number="" if state else _matching(_RAW, text("raw_number")),
        quota_version=_count(text("quota_version")),
        lines_in_use=_count(text("lines_in_use")),
    )
    return msgspec.structs.replace(record, outcome=outcome_of(record))


_NUMBER_STATES: Final = frozenset(str(state) for state in NumberState)
_BUSINESSES: Final = frozenset(str(business) for business in Business)


def call_id_of(text: str, node: str, uniqueid: str, at: float) -> str:
    """Give the call id, or `node:uniqueid` when `text` is none; always of a valid form."""
    if is_call_id(text):
        return text
    if not node and not uniqueid:
        return f"unknown:{at:.6f}"  # one of its own: nameless calls must not become one
    left = _NOT_IN_ID.sub("", node.lower()).replace(".", "").strip("-")[:32] or "unknown"
    return f"{left}:{_NOT_IN_ID.sub('', uniqueid.lower())[:64] or '0'}"


def legs_of(text: str, over_at: float) -> tuple[TalkLeg, ...]:
    """Read `TL_LEGS`; what is malformed is left out, and a part without an end lasted until the call was over."""
    found = (_LEG.fullmatch(part) for part in text.split("&"))
    return tuple(_leg(part, over_at) for part in found if part)


def _leg(found: re.Match[str], over_at: float) -> TalkLeg:
    business, end = found[2], found[4]
    known = business if business in _BUSINESSES else ""
    return TalkLeg(found[1], known, _time(found[3]), _time(end) if end else over_at)


def printable(text: str) -> str:
    """Drop what is not printable ASCII (Asterisk's own ids and channel names are) and cut at 128 characters."""
    return "".join(c for c in text if " " <= c <= "~")[:LONGEST]


def _matching(form: re.Pattern[str], text: str) -> str:
    return text if form.fullmatch(text) else ""


def _number_up_to(highest: int, text: str) -> int:
    value = int(text) if _DIGITS.fullmatch(text) else 0
    return value if value <= highest else 0


def _count(text: str) -> int:
    return int(text) if _COUNT.fullmatch(text) else 0


def _time(text: str) -> float:
    value = float(text) if _TIME.fullmatch(text) else 0.0
    return value if value < _LATEST else 0.0


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
        and all(0 <= number < _LATEST for number in numbers)
        and all(count < _INT32 for count in counts)
    )
