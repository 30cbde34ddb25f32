"""The streams of a site's Redis by name, and the commands that append to them. Pure; `tieline.live` moves them."""

from typing import Final

from tieline import bus

EVENTS: Final = "tl:events"
EVENTS_KEPT: Final = 100_000
"""About an hour of a storm at 40 calls/s; a reader further behind rebuilds from snapshots instead."""
COMMANDS_KEPT: Final = 10_000

Scalar = str | bytes | int | float


def commands_stream(node: str) -> str:
    """Name the stream of commands for one node's bridge."""
    return f"tl:commands:{node}"


def telling(event: bus.Event) -> tuple[Scalar, ...]:
    """Give the command of Redis that appends an event to the site's bus."""
    return ("XADD", EVENTS, "MAXLEN", "~", EVENTS_KEPT, "*", "m", bus.encode(event))


def commanding(node: str, command: bus.Command) -> tuple[Scalar, ...]:
    """Give the command of Redis that hands a command to the bridge of `node`."""
    return ("XADD", commands_stream(node), "MAXLEN", "~", COMMANDS_KEPT, "*", "m", bus.encode(command))
