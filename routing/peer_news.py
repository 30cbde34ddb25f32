"""What becomes known of another site. Pure values."""

from collections.abc import Mapping
from dataclasses import dataclass

from routing.offers import Waiting
from routing.seats import Seat
from tieline import bus
from tieline.model import AgentId, SiteId


@dataclass(frozen=True, slots=True)
class PeerSeen:
    """The whole picture of another site."""

    site: SiteId
    seats: Mapping[AgentId, Seat]
    waiting: tuple[Waiting, ...]


@dataclass(frozen=True, slots=True)
class PeerLost:
    """What was known of another site is too old."""

    site: SiteId


BetweenSites = (
    bus.CallWaiting
    | bus.OfferMade
    | bus.OfferWithdrawn
    | bus.OfferDeclined
    | bus.OfferFailed
    | bus.CallGone
    | bus.CallJournalled
    | bus.TransferAsked
    | bus.AgentWanted
)
"""What a matcher hears of the other site's bus."""
PeerNews = PeerSeen | PeerLost | BetweenSites
