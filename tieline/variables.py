"""Names of the channel variables, once: the dialplan is rendered from them and the scripts read by them.

A call's facts live on the caller's channel, so they outlive Redis and every Python process. Values are ours alone
(ids, digits, words of closed sets): a caller's own text never becomes a variable.
"""

from typing import Final

CALL_ID: Final = "TL_CALL"
CITY: Final = "TL_CITY"
TRUNK: Final = "TL_TRUNK"
NUMBER_STATE: Final = "TL_NUMSTATE"
NUMBER: Final = "TL_NUMBER"
DIALECT: Final = "TL_DIALECT"
BUSINESS: Final = "TL_BUSINESS"
REFUSED: Final = "TL_REFUSED"
SAY: Final = "TL_SAY"
VERDICT: Final = "TL_VERDICT"
QUOTA: Final = "TL_QUOTA"
IN_USE: Final = "TL_USED"
ROUTE: Final = "TL_ROUTE"
SINCE: Final = "TL_SINCE"
ARRIVED: Final = "TL_ARRIVED"
MENU_AT: Final = "TL_MENU_AT"
CALLED_BACK: Final = "TL_CALLED_BACK"
RATING: Final = "TL_RATING"
DONE: Final = "TL_DONE"
MAILBOX: Final = "TL_GO"
TRANSFER: Final = "TL_TO"
"""Where a caller is sent on to, see `tieline.bus.SendOn`."""
LEGS: Final = "TL_LEGS"
"""The agents' parts of the talk: `<agent>:<business>@<begin>-<end>`, `&` between; none has an end while it lasts."""
AGENT: Final = "TL_AGENT"
HEARTBEAT_MATCHER: Final = "TL_HB_MATCHER"

SCRIPT_ARGUMENTS: Final = (
    CALL_ID,
    CITY,
    TRUNK,
    NUMBER,
    DIALECT,
    BUSINESS,
    SINCE,
    "TL_TRY",
    "TL_FENCE",
    "DIALSTATUS",
    "TL_PRIVACY",
    TRANSFER,
)
"""What every script gets, so that none needs a command to read it. New ones come last: while a site is updated, the
dialplan and the scripts are of two versions, and each finds what it knows where it was."""

FACTS: Final = (
    CALL_ID,
    CITY,
    TRUNK,
    NUMBER_STATE,
    NUMBER,
    DIALECT,
    BUSINESS,
    REFUSED,
    "TL_AGENT",
    ARRIVED,
    "TL_ANSWERED",
    MENU_AT,
    SINCE,
    "TL_AGENT_AT",
    RATING,
    "TL_RECORDING",
    "TL_NET",
    CALLED_BACK,
    QUOTA,
    IN_USE,
    "HANGUPCAUSE",
    "TL_BYE",
    LEGS,
)
"""What the hang-up script gets: the facts of the call."""

BETWEEN: Final = "|"
"""Stands between the values, which go as one argument: Asterisk writes each argument to the socket by itself, and
each write wakes the server. No value may hold it; the dialplan filters all that comes from outside."""


def cap(city: str) -> str:
    """Name the node's global that holds what a city may use of this node while Redis is away."""
    return f"TL_CAP_{city}"


def heartbeat_agi(index: int) -> str:
    """Name the node's global that tells when an AGI server last beat; the site's `agi` list is counted from 0."""
    return f"TL_HB_AGI_{index}"


def values_of(names: tuple[str, ...], arguments: tuple[str, ...]) -> dict[str, str]:
    """Read what a script was handed (`agi_arg_1`): the values by their names; what is missing is left out. Pure."""
    given = arguments[0].split(BETWEEN) if arguments else []
    return dict(zip(names, given, strict=False))
