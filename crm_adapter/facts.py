"""The facts that a caller's channel carries, read into a record. Pure; never raises: it must always be written."""

import math
import re
from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import Any, Final

import msgspec

from crm_adapter.record import LATEST, LONGEST, CallRecord, TalkLeg, outcome_of
from tieline.model import Business, NumberState, Witness, is_call_id

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

_WORD: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_RAW: Final = re.compile(r"\+?[0-9]{3,24}")
_E164: Final = re.compile(r"\+[1-9][0-9]{2,17}")
_FILE: Final = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.:-]{0,127}")
_NOT_IN_ID: Final = re.compile(r"[^a-z0-9.-]")
_WORST_RATING: Final = 4
_WORST_CAUSE: Final = 127
_LEG: Final = re.compile(
    r"(a[0-9]{3,8}):([a-z_]*)@([0-9]{1,12}(?:\.[0-9]{0,9})?)(?:-([0-9]{1,12}(?:\.[0-9]{0,9})?))?", re.ASCII
)
_DIGITS: Final = re.compile(r"[0-9]{1,3}", re.ASCII)
_COUNT: Final = re.compile(r"[0-9]{1,9}", re.ASCII)
_TIME: Final = re.compile(r"[0-9]{1,12}(?:\.[0-9]{0,9})?", re.ASCII)
_NUMBER_STATES: Final = frozenset(str(state) for state in NumberState)
_BUSINESSES: Final = frozenset(str(business) for business in Business)


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
    """Read the facts that a caller's channel carries.

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
    hangup = hangup_at if math.isfinite(hangup_at) and 0 < hangup_at < LATEST else 0.0
    texts = {fact: variables.get(name, "") for fact, name in VARIABLES.items()}
    facts = {fact: read(texts[fact]) for fact, read in _FORMS.items()}
    shown = facts["number_state"] == NumberState.SHOWN
    record = CallRecord(
        **facts,
        call_id=call_id_of(texts["call_id"], node, uniqueid, hangup),
        node=printable(node),
        site=printable(site),
        uniqueid=printable(uniqueid),
        linkedid=printable(linkedid),
        channel=printable(channel),
        number=_matching(_E164, texts["number"]) if shown else "",
        raw_number="" if facts["number_state"] else _matching(_RAW, texts["raw_number"]),
        hangup_at=hangup,
        hangup_cause=hangup_cause if 0 <= hangup_cause <= _WORST_CAUSE else 0,
        hangup_source=printable(hangup_source),
        estimated=estimated,
        legs=legs_of(texts["legs"], hangup),
        witness=witness,
    )
    return msgspec.structs.replace(record, outcome=outcome_of(record))


def call_id_of(text: str, node: str, uniqueid: str, at: float) -> str:
    """Give the call id, or `node:uniqueid` when `text` is none; always of a valid form."""
    if is_call_id(text):
        return text
    if not node and not uniqueid:
        return f"unknown:{at:.6f}"  # one of its own: nameless calls must not become one
    left = _NOT_IN_ID.sub("", node.lower()).replace(".", "").strip("-")[:32] or "unknown"
    return f"{left}:{_NOT_IN_ID.sub('', uniqueid.lower())[:64] or '0'}"


def legs_of(text: str, over_at: float) -> tuple[TalkLeg, ...]:
    """Read `TL_LEGS`, in the order of their beginnings; two overlap while three talk.

    What is malformed is left out, and a part without an end lasted until the call was over.
    """
    found = (_LEG.fullmatch(part) for part in text.split("&"))
    return tuple(sorted((_leg(part, over_at) for part in found if part), key=lambda leg: leg.begin))


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
    return value if value < LATEST else 0.0


def _one_of(words: Collection[str], text: str) -> str:
    return text if text in words else ""


_FORMS: Final[Mapping[str, Callable[[str], Any]]] = {
    **dict.fromkeys(("city", "trunk", "dialect", "agent"), partial(_matching, _WORD)),
    **dict.fromkeys(("arrived_at", "answered_at", "menu_done_at", "waiting_since", "agent_answered_at"), _time),
    **dict.fromkeys(("quota_version", "lines_in_use"), _count),
    **dict.fromkeys(("net", "called_back"), "1".__eq__),
    "number_state": partial(_one_of, _NUMBER_STATES),
    "business": partial(_one_of, _BUSINESSES),
    "refused_cause": partial(_number_up_to, _WORST_CAUSE),
    "rating": partial(_number_up_to, _WORST_RATING),
    "recording": partial(_matching, _FILE),
}
"""How each fact is read that depends on no other one; a text that is not of the form becomes empty or 0."""
