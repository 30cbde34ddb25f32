"""Rows in Redis, as several versions may have written them."""

from contextlib import suppress
from typing import TypeVar

import msgspec

from tieline.live import Reply

T = TypeVar("T")


def readable(flat: Reply, kind: type[T]) -> dict[str, T]:
    """Read what HGETALL gave, by key.

    Rows that another version wrote in another form are left out: better a row less than nobody who acts.
    """
    rows = ((key.decode(), maybe_row(raw, kind)) for key, raw in zip(flat[::2], flat[1::2], strict=True))
    return {key: row for key, row in rows if row is not None}


def maybe_row(raw: Reply, kind: type[T]) -> T | None:
    """Read one row as GET or HGET gave it; None when there is none, or another version wrote it in another form."""
    with suppress(msgspec.MsgspecError):
        return msgspec.json.decode(raw or b"", type=kind)
    return None
