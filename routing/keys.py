"""Where a site's matcher keeps what in Redis."""

from typing import Final

POOL: Final = "tl:pool"
"""Hash: call id to the waiting call."""
OFFERS: Final = "tl:offers"
"""Hash: call id to the offer."""
SEATS: Final = "tl:agents"
"""Hash: agent to his seat."""
STATE: Final = "tl:matcher"
"""Hash: `position`, the last event of the bus that the three above have taken in."""
LEASE: Final = "tl:matcher:lease"
"""Which of the site's matchers acts (`tieline.lease`)."""
FIGURES: Final = "tl:matcher:figures"
"""JSON: the acting matcher's numbers; it has no HTTP port."""
HEARTBEAT_KEY: Final = "tl:hb:matcher"
"""Unix seconds; the bridges copy it to their nodes, and the other site takes it for the age of what it sees here."""
