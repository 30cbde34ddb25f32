"""Rows of a table in Redis, as several versions may have written them."""

from contextlib import suppress
from typing import TypeVar

import msgspec

from tieline.live import Reply

T = TypeVar("T")


def readable(flat: Reply, kind: type[T]) -> dict[str, T]:
    """Read what HGETALL gave, by key.

    Rows that another version wrote in another form are left out: better a row less than nobody who acts.
    """
    found: dict[str, T] = {}
    for key, raw in zip(flat[::2], flat[1::2], strict=True):
        with suppress(msgspec.MsgspecError):
            found[key.decode()] = msgspec.json.decode(raw, type=kind)
    return found
