"""How a consultation that was asked for begins, or why it does not: heard on the bus of the caller's site."""

import asyncio
from typing import Final

from routing.consulting import SILENT
from routing.crossing import WANTED_S
from routing.seating import UNSEEN
from tieline import bus
from tieline.errors import RemoteProtocolError
from tieline.live import EVENTS, Live
from tieline.model import SiteId

HEARD_S: Final = WANTED_S + 1.0
"""Another site has lent its agent by then, or has not, and his phone is dialled."""

_WORDS: Final = {
    UNSEEN: "{site} is not seen now, so nobody knows what {agent} does",
    SILENT: "{site} did not answer in time whether {agent} can be had",
    "tiefull": "no channel of the tie line to {site} is free for {agent}",
    "chanunavail": "{agent} cannot be reached at {site} now",
    "congestion": "{agent} cannot be reached at {site} now",
    "noanswer": "{agent} did not answer",
    "offered": "{agent} is being offered another call",
}


def in_words(agent: str, site: SiteId, why: str) -> str:
    """Say in plain words why a consultation does not begin; see `bus.ConsultRefused.why`."""
    return _WORDS.get(why, "{agent} is {why}").format(agent=agent, site=site, why=why.replace("_", " "))


async def refusal_of(live: Live, call_id: str, agent: str, since: str, *, heard_s: float = HEARD_S) -> str:
    """Wait until an agent's phone is dialled for a talk, and give why it is not, or nothing.

    Without a word in time it gives nothing, too: whoever decides may be a moment away.

    Args:
        live: Of the caller's site.
        call_id: The talk.
        agent: Who is to be consulted.
        since: Newest entry of the bus before it was asked for.
        heard_s: How long to wait, seconds.

    Raises:
        ConnectionLost: Redis is not there.
    """
    clock = asyncio.get_running_loop().time
    until = clock() + heard_s
    while (left_s := until - clock()) > 0:
        for entry, raw in await live.read(EVENTS, since, block_ms=max(1, int(left_s * 1000))):
            since = entry
            answer = _answer(raw, call_id, agent)
            if answer is not None:
                return answer
    return ""


def _answer(raw: bytes, call_id: str, agent: str) -> str | None:
    try:
        event = bus.decode_event(raw)
    except RemoteProtocolError:
        return None  # counted by its own readers
    match event:
        case bus.ConsultRefused(why=why) if (event.call_id, event.to_agent) == (call_id, agent):
            return why
        case bus.AgentRinging() if (event.call_id, event.agent) == (call_id, agent):
            return ""
        case _:
            return None
