"""Agents with phones of their own kind: each the only one for what a caller asks, so that a test chooses the phone.

All speak Mandarin too little to be offered ordinary calls.
"""

from typing import Final

from lab.phones import PhoneGroup
from lab.scripts import Answers, Holds, NeverAnswers, Refuses
from lab.tones import SECOND_HZ
from tieline.model import AgentId, Business

BUSY: Final = AgentId("a1004")
"""Fuzhou's only speaker of Hakka who repairs; the phone answers 486."""
HANGS_UP: Final = (AgentId("a1003"), AgentId("a1016"))
"""Fuzhou's speakers of Min Bei who repair; they hang up first, so that the caller is asked for a rating."""
HANGS_UP_AT_ONCE: Final = AgentId("a1901")
"""Hakka, complaints: hangs up as soon as the answer is acknowledged."""
REFUSES: Final = (AgentId("a1902"), AgentId("a1903"))
"""Hakka, expansion: they let it ring, then one is busy (486) and one declines (603)."""
HOLDS: Final = AgentId("a1904")
"""Min Bei, complaints: puts the caller on hold."""
RINGS: Final = AgentId("a1905")
"""Hakka, billing: lets it ring and never answers."""
SLOW: Final = AgentId("a1906")
"""Min Bei, billing: lets it ring for a while, then answers."""

FAR_REFUSES: Final = AgentId("a2901")
"""Of Xiamen; Wu, other business: lets it ring, then declines."""
FAR_SLOW: Final = AgentId("a2902")
"""Of Xiamen; Wu, other business: lets it ring for a while, then answers."""
FAR_VOICE: Final = AgentId("a2903")
"""Of Xiamen; Wu, other business: answers with a tone of his own."""

TALK_MS: Final = 1500
HOLD_MS: Final = 2000
SLOW_MS: Final = 8000

_ADDED: Final = {
    HANGS_UP_AT_ONCE: ("hakka", Business.COMPLAINT),
    REFUSES[0]: ("hakka", Business.EXPANSION),
    REFUSES[1]: ("hakka", Business.EXPANSION),
    HOLDS: ("min_bei", Business.COMPLAINT),
    RINGS: ("hakka", Business.BILLING),
    SLOW: ("min_bei", Business.BILLING),
    FAR_REFUSES: ("wu", Business.OTHER),
    FAR_SLOW: ("wu", Business.OTHER),
    FAR_VOICE: ("wu", Business.OTHER),
}

PHONES: Final = (
    PhoneGroup("busy", (BUSY,), Refuses()),
    PhoneGroup("hangs-up", HANGS_UP, Answers(ring_ms=300, talk_ms=1500)),
    PhoneGroup("hangs-up-at-once", (HANGS_UP_AT_ONCE,), Answers(ring_ms=300, talk_ms=0)),
    PhoneGroup("busy-late", REFUSES[:1], Refuses("486 Busy Here", ring_ms=300)),
    PhoneGroup("declines", REFUSES[1:], Refuses("603 Decline", ring_ms=300)),
    PhoneGroup("rings", (RINGS,), NeverAnswers()),
    PhoneGroup("slow", (SLOW,), Answers(ring_ms=SLOW_MS)),
    PhoneGroup("holds", (HOLDS,), Holds(TALK_MS, HOLD_MS, ring_ms=300)),
)
"""All of them work in Fuzhou."""

FAR_PHONES: Final = (
    PhoneGroup("far-declines", (FAR_REFUSES,), Refuses("603 Decline", ring_ms=300)),
    PhoneGroup("far-slow", (FAR_SLOW,), Answers(ring_ms=SLOW_MS)),
    PhoneGroup("far-voice", (FAR_VOICE,), Answers(ring_ms=300), hz=SECOND_HZ),
)
"""And these in Xiamen."""

_FAR: Final = frozenset(agent for group in FAR_PHONES for agent in group.agents)
SPECIAL: Final = _FAR | {agent for group in PHONES for agent in group.agents}


def added_agents() -> str:
    """Write those who are not in the example, for the end of an agents' file."""
    return "".join(
        f'''
[[agent]]
id = "{agent}"
site = "{"xiamen" if agent in _FAR else "fuzhou"}"
name = "{agent}"
dialects = {{ {dialect} = "native", mandarin = "basic" }}
business = {{ {business} = "fluent" }}
'''
        for agent, (dialect, business) in _ADDED.items()
    )
