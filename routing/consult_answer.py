"""How a consultation that was asked for begins, or why it does not: told on the bus of the caller's site."""

import asyncio
from typing import Final

from routing.consulting import ASKED_S, BUSY, SILENT
from routing.crossing import WANTED_S
from routing.seating import UNSEEN
from tieline import bus
from tieline.errors import RemoteProtocolError
from tieline.live import EVENTS, Live
from tieline.model import SiteId

HEARD_S: Final = ASKED_S + WANTED_S + 1.0
"""By then the matcher has heard of it or never will, another site has lent its agent or has not, and it rings."""
UNHEARD: Final = "unheard"

_WORDS: Final = {
    UNSEEN: "{site} is not seen now, so nobody knows what {agent} does",
    **dict.fromkeys((SILENT, UNHEARD), "{site} did not answer in time whether {agent} can be had"),
    "tiefull": "no channel of the tie line to {site} is free for {agent}",
    "chanunavail": "{agent} cannot be reached at {site} now",
    "congestion": "{agent} cannot be reached at {site} now",
    "noanswer": "{agent} did not answer",
    "offered": "{agent} is being offered another call",
    BUSY: "another consultation has begun meanwhile",
}


def in_words(agent: str, site: SiteId, why: str) -> str:
    """Say in plain words why a consultation does not begin.

    Args:
        agent: Who was to be consulted.
        site: His; of `UNHEARD` the caller's.
        why: As of `bus.ConsultRefused`, or `UNHEARD`.
    """
    return _WORDS.get(why, "{agent} is {why}").format(agent=agent, site=site, why=why.replace("_", " "))


async def refusal_of(live: Live, call_id: str, agent: str, since: str, *, heard_s: float = HEARD_S) -> str:
    """Wait until an agent's phone is dialled for a talk, and give why it is not, or nothing.

    Without a word in time it gives `UNHEARD`: who decides, or his whole site, is away; heard late, the wish is void.

    Args:
        live: Of the caller's site, or a copy of it.
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
    return UNHEARD


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
