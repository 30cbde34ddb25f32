"""What the scripts work with, and how a script reads what the dialplan gave it."""

from dataclasses import dataclass

from agi.scripts.situation import Situation
from agi.scripts.voice import Voice
from agi.session import Session
from crm_adapter.journal import Journal
from routing.callback_rules import CallbackRules
from routing.hours import Hours
from routing.known_callers import KnownCallers
from tieline import variables
from tieline.clock import Clock
from tieline.errors import RemoteProtocolError
from tieline.live import Live
from tieline.model import Business, CityId, DialectId, NodeId, SiteId
from tieline.numbers import NumberPlan
from tieline.topology import City, Topology
from trunk_config.admission import node_of
from trunk_config.decision_times import DecisionTimes
from trunk_config.quota import Allowances

ADMIT_DEADLINE_S = 0.05
"""How long Redis may take to decide on a line; then the node's own count does."""


@dataclass(frozen=True, slots=True)
class Parts:
    """One site's parts, shared by all sessions.

    Attributes:
        allowances: What is rationed beside the quotas in force.
        decision_times: How long decisions about lines took.
        journal: The hang-up journal of this host's nodes.
        voice: Prompts and menus.
        situation: What callers are told of this moment.
        numbers: How callers' numbers are read.
        hours: When agents answer which business.
        callback: Whom one may call back.
        callers: What is known of callers by their number.
    """

    site: SiteId
    topology: Topology
    live: Live
    allowances: Allowances
    decision_times: DecisionTimes
    journal: Journal
    voice: Voice
    situation: Situation
    numbers: NumberPlan
    hours: Hours
    callback: CallbackRules
    callers: KnownCallers
    clock: Clock


@dataclass(frozen=True, slots=True)
class CallSoFar:
    """A call as the dialplan hands it to a script (`tieline.variables.SCRIPT_ARGUMENTS`)."""

    call_id: str
    node: NodeId
    city: City
    trunk: str
    number: str
    dialect: DialectId
    business: Business
    since: float
    tried_agent: str
    fence: int
    dial_status: str
    onward: str
    privacy: str


def read_call(parts: Parts, session: Session) -> CallSoFar:
    """Read a call from the script's arguments.

    Raises:
        RemoteProtocolError: The city is unknown: topology and dialplan differ (`tieline conf render` was not run).
    """
    given = variables.values_of(variables.SCRIPT_ARGUMENTS, session.request.arguments)
    city = parts.topology.cities.get(CityId(given.get(variables.CITY, "")))
    if city is None:
        raise RemoteProtocolError(f"unknown city {given.get(variables.CITY)!r}: render the configuration again")
    return CallSoFar(
        call_id=given.get(variables.CALL_ID, ""),
        node=node_of(session.request.uniqueid),
        city=city,
        trunk=given.get(variables.TRUNK, ""),
        number=given.get(variables.NUMBER, ""),
        dialect=DialectId(given.get(variables.DIALECT) or city.dialects[0]),
        business=_business(given.get(variables.BUSINESS, "")),
        since=_number(given.get(variables.SINCE, "")),
        tried_agent=given.get("TL_TRY", ""),
        fence=digits(given.get("TL_FENCE", "")),
        dial_status=given.get("DIALSTATUS", ""),
        onward=given.get(variables.TRANSFER, ""),
        privacy=given.get("TL_PRIVACY", ""),
    )


def digits(text: str) -> int:
    """Read a count or cause; anything but ASCII digits is 0."""
    return int(text) if text.isascii() and text.isdigit() else 0


def stamp(at: float) -> str:
    """Write a time into a channel variable: Unix seconds with milliseconds."""
    return f"{at:.3f}"


def _business(text: str) -> Business:
    try:
        return Business(text)
    except ValueError:
        return Business.OTHER


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
