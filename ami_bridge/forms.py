"""What names and texts look like that a node may tell us of; anything else is nobody's and dropped. Pure."""

import re
from typing import Final

_AGENT_CHANNEL: Final = re.compile(r"PJSIP/(a[0-9]{1,15})-[0-9a-f]+")
_OVER_A_NODE: Final = re.compile(r"(a[0-9]{1,15})@node-[a-z][a-z0-9-]{0,31}")
_AGENT: Final = re.compile(r"a[0-9]{1,15}")
_CITY: Final = re.compile(r"[a-z0-9_-]{1,64}")
_FENCE: Final = re.compile(r"[0-9]{1,15}")
_STATUS: Final = re.compile(r"[A-Z]{0,16}")
_DIGITS: Final = re.compile(r"\+?[0-9]{3,24}")


def agent_of(channel: str) -> str:
    """Give the agent whose phone a channel is, e.g. `a1001` for `PJSIP/a1001-00000001`; else nothing."""
    found = _AGENT_CHANNEL.fullmatch(channel) if channel.startswith("PJSIP/a") else None
    return found[1] if found else ""


def agent_over_node(dial_string: str) -> str:
    """Give the agent whose phone is rung by way of another node, out of what is dialled; else nothing."""
    found = _OVER_A_NODE.fullmatch(dial_string)
    return found[1] if found else ""


def is_agent(name: str) -> bool:
    """Tell whether an endpoint's name is an agent id."""
    return _AGENT.fullmatch(name) is not None


def is_city(name: str) -> bool:
    """Tell whether a name has the form of a city's id."""
    return _CITY.fullmatch(name) is not None


def is_offer(agent: str, fence: str, status: str) -> bool:
    """Tell whether these can be an agent, the fence of an offer to him, and Dial's word for how it ended."""
    return is_agent(agent) and _FENCE.fullmatch(fence) is not None and _STATUS.fullmatch(status) is not None


def maybe_digits(number: str) -> str:
    """Give a caller's number as Asterisk shows it, or nothing when it is none (`<unknown>`, a word, too long)."""
    return number if _DIGITS.fullmatch(number) else ""
