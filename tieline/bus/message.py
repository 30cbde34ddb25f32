"""The base of everything on the bus."""

import msgspec


class Message(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    """Base of everything on the bus.

    Attributes:
        at: When it happened, Unix seconds.
    """

    at: float
