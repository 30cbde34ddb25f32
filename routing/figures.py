"""The acting matcher's numbers as they stand in Redis: it has no HTTP port, the site's console tells them. Pure."""

from collections.abc import Mapping
from typing import Final

import msgspec

_DECODER: Final = msgspec.json.Decoder(dict[str, float])


def encode_figures(numbers: Mapping[str, float]) -> bytes:
    """Encode numbers; whether something is so is 1 or 0, since JSON's `true` is no number to who reads them."""
    return msgspec.json.encode({name: float(value) for name, value in numbers.items()})


def decode_figures(raw: bytes | None) -> Mapping[str, float]:
    """Decode what was encoded; none before a matcher has ever acted.

    Raises:
        msgspec.MsgspecError: Another version wrote it.
    """
    return _DECODER.decode(raw) if raw else {}
