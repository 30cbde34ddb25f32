"""The parts of a site, by name, in the order in which they start.

What a part needs is imported when it starts: most processes run one part of five, and everything together takes a
second and a half of processor time and 100 MB.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Final

from service.parts.shared import Shared

Part = AbstractAsyncContextManager[None]
"""Runs while its block does."""


def _agi(shared: Shared) -> Part:
    from service.parts.agi import agi_servers

    return agi_servers(shared)


def _bridge(shared: Shared) -> Part:
    from service.parts.bridge import bridges

    return bridges(shared)


def _matcher(shared: Shared) -> Part:
    from service.parts.matcher import matcher

    return matcher(shared)


def _tickets(shared: Shared) -> Part:
    from service.parts.tickets import tickets

    return tickets(shared)


def _console(shared: Shared) -> Part:
    from service.parts.console import console

    return console(shared)


PARTS: Final[Mapping[str, Callable[[Shared], Part]]] = {
    "agi": _agi,
    "bridge": _bridge,
    "matcher": _matcher,
    "tickets": _tickets,
    "console": _console,
}
