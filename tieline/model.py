"""The words of Tieline (see docs/glossary.md): identifiers, closed sets of states, small value objects."""

import re
import secrets
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Final, NewType

SiteId = NewType("SiteId", str)
NodeId = NewType("NodeId", str)
CityId = NewType("CityId", str)
CountyId = NewType("CountyId", str)
DialectId = NewType("DialectId", str)
AgentId = NewType("AgentId", str)
CallId = NewType("CallId", str)
"""UUIDv7 stamped by the edge (`X-Tieline-Call`); without an edge `node:uniqueid`."""
PromptId = NewType("PromptId", str)

MANDARIN: Final = DialectId("mandarin")
"""The dialect every agent speaks and every prompt exists in."""

_CALL_ID: Final = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}|[a-z0-9][a-z0-9-]{0,31}:[a-z0-9.-]{1,64}"
)


class Business(StrEnum):
    """What a caller wants; the second half of a need."""

    REPAIR = "repair"
    BILLING = "billing"
    OUTAGE = "outage"
    EXPANSION = "expansion"
    COMPLAINT = "complaint"
    OTHER = "other"


class Lane(StrEnum):
    """Which calls go before others; the order of the members is the order of the lanes."""

    LIFE_SAFETY = "life_safety"
    IMPORTANT = "important"
    NORMAL = "normal"
    CALLBACK = "callback"


class Level(StrEnum):
    """How well an agent knows a dialect or a business."""

    NATIVE = "native"
    FLUENT = "fluent"
    BASIC = "basic"


class NumberState(StrEnum):
    """What is known of a caller's number. Withheld and unusable are states, not errors."""

    SHOWN = "shown"
    WITHHELD = "withheld"
    UNUSABLE = "unusable"


class Outcome(StrEnum):
    """How a call ended; each call id has exactly one."""

    REFUSED = "refused"
    ABANDONED_MENU = "abandoned_menu"
    ABANDONED_WAITING = "abandoned_waiting"
    ANSWERED = "answered"
    CALLED_BACK = "called_back"
    """He left the line, was rung by us, and then talked to an agent."""
    SELF_SERVED = "self_served"
    """The caller got what he wanted from the menu alone (a spoken notice), or was told out-of-hours."""
    LOST = "lost"
    """The edge counted it and nobody knows its end: alarmed."""


class RefusalCause(IntEnum):
    """Why a call is refused before the answer, as ITU-T Q.850 numbers it."""

    QUOTA = 34
    """No circuit available: the city has all the lines that it is entitled to."""
    PLATFORM = 42
    """Switching equipment congestion: it is entitled to one more, and the site has none."""


class Witness(StrEnum):
    """Who saw a hang-up, best first."""

    AGI = "agi"
    STDIO = "stdio"
    AMI = "ami"
    SNAPSHOT = "snapshot"
    """Missing from the next snapshot: the time of the hang-up is estimated."""


class AgentState(StrEnum):
    """What an agent is doing."""

    OFFLINE = "offline"
    READY = "ready"
    OFFERED = "offered"
    TALKING = "talking"
    WRAP_UP = "wrap_up"
    NOT_READY = "not_ready"


@dataclass(frozen=True, slots=True)
class CallerNumber:
    """A caller's number as far as it can be known.

    Attributes:
        state: Shown, withheld or unusable.
        e164: `+86…` when shown, else empty.
        city: City that the number itself points to (a hint only: people move), or None.
    """

    state: NumberState
    e164: str = ""
    city: CityId | None = None


@dataclass(frozen=True, slots=True)
class Need:
    """What a call asks of an agent.

    Attributes:
        county: Where the caller is, as far as known, or empty.
        only_dialect: The caller is known to manage no Mandarin.
    """

    dialect: DialectId
    business: Business
    city: CityId
    lane: Lane = Lane.NORMAL
    county: CountyId = CountyId("")
    only_dialect: bool = False


def is_call_id(text: str) -> bool:
    """Tell whether `text` has the form of a call id (UUIDv7, or `node:uniqueid` without an edge)."""
    return _CALL_ID.fullmatch(text) is not None


def new_call_id(now_ms: int) -> CallId:
    """Make a UUIDv7 (RFC 9562 section 5.7) for the given Unix time in milliseconds."""
    value = (now_ms & (1 << 48) - 1) << 80 | secrets.randbits(80)
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    digits = f"{value:032x}"
    return CallId("-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:])))
