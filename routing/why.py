"""What was decided for a call, kept for a week: each offer with its alternatives, and how it ended."""

from collections.abc import Sequence
from typing import Final

import msgspec

from routing.decision import Decision
from routing.offers import MakeOffer, WithdrawOffer
from tieline.errors import TielineError
from tieline.lease import Command
from tieline.live import Live
from tieline.model import CallId

KEPT_S: Final = 7 * 86_400
"""About 1 kB a decision: a storm of 20,000 calls a day for a week would be 140 MB of Redis."""


class Offered(msgspec.Struct, frozen=True, kw_only=True, tag="offered", tag_field="type"):
    """An agent was offered to the call.

    Attributes:
        city: Of the call.
        decision: Why he, and why this call.
        lease_until: When the offer was void unless taken, Unix seconds.
    """

    city: str
    decision: Decision
    lease_until: float

    @property
    def at(self) -> float:
        """When, Unix seconds."""
        return self.decision.at


class Ended(msgspec.Struct, frozen=True, kw_only=True, tag="ended", tag_field="type"):
    """An offer ended without a talk.

    Attributes:
        at: Unix seconds.
        why: As in `OfferWithdrawn`: lease, gone, failed or declined.
    """

    at: float
    agent: str
    fence: int
    why: str


class CallDecisions(msgspec.Struct, frozen=True, kw_only=True):
    """All that was decided for a call, oldest first; an offer that has no end led to a talk, or is still open."""

    call_id: str
    decisions: Sequence[Offered | Ended]


class UnknownCall(TielineError):
    """Nothing was decided for such a call here within a week."""


def keeping(effect: MakeOffer | WithdrawOffer, now: float) -> tuple[Command, Command]:
    """Give the commands that keep what was decided."""
    offer = effect.offer
    entry: Offered | Ended
    if isinstance(effect, MakeOffer):
        city = offer.call.need.city
        entry = Offered(city=city, decision=effect.decision, lease_until=offer.lease_until)
    else:
        entry = Ended(at=now, agent=offer.agent, fence=offer.fence, why=effect.why)
    key = _key(offer.call.call_id)
    return ("RPUSH", key, msgspec.json.encode(entry)), ("EXPIRE", key, KEPT_S)


async def fetch_decisions(live: Live, call_id: CallId) -> CallDecisions:
    """Fetch what a site decided for a call.

    Raises:
        UnknownCall: Nothing.
        TielineError: Redis is away.
    """
    kept = await live.call("LRANGE", _key(call_id), 0, -1)
    if not kept:
        raise UnknownCall(f"nothing was decided for {call_id} here within {KEPT_S // 86_400} days")
    return CallDecisions(call_id=call_id, decisions=[_READER.decode(raw) for raw in kept])


_READER: Final[msgspec.json.Decoder[Offered | Ended]] = msgspec.json.Decoder(Offered | Ended)


def _key(call_id: CallId) -> str:
    return f"tl:why:{call_id}"
