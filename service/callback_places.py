"""Which calls have a place, in the pool or in an offer, as the site's matcher keeps them in Redis."""

import asyncio
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass

from routing.keys import OFFERS, POOL
from routing.offers import Offer, Waiting
from tieline.live import Live
from tieline.model import CallId
from tieline.rows import readable


@dataclass(frozen=True, slots=True)
class Places:
    """The matcher's calls at one moment.

    Attributes:
        waiting: Calls in the pool.
        offered: Calls with an offer, talks included.
        pool: Those of the pool whose row could be read.
        offers: The same, of the offers.
    """

    waiting: Set[CallId]
    offered: Set[CallId]
    pool: Sequence[Waiting]
    offers: Sequence[Offer]

    @property
    def taken(self) -> Set[CallId]:
        """All calls with a place."""
        return self.waiting | self.offered

    @property
    def without_channel(self) -> Iterator[Waiting]:
        """Calls that nobody is on the line of: callers to be called back, whose offer nobody took."""
        yield from (call for call in self.pool if not call.channel)
        yield from (offer.call for offer in self.offers if not offer.taken and not offer.call.channel)


async def read_places(live: Live) -> Places:
    """Read who has a place.

    Raises:
        TielineError: Redis is away.
    """
    pool, offers = await asyncio.gather(live.call("HGETALL", POOL), live.call("HGETALL", OFFERS))
    waiting, offered = ({CallId(name.decode()) for name in rows[::2]} for rows in (pool, offers))
    return Places(waiting, offered, tuple(readable(pool, Waiting).values()), tuple(readable(offers, Offer).values()))
