"""When the link reads: events come in bunches, answers at once."""

import asyncio
from typing import cast

import pytest

from ami_bridge.dispatch import Dispatcher
from ami_bridge.link import LinkProtocol

pytestmark = pytest.mark.component

GREETING = b"Asterisk Call Manager/11.0.0\r\n"
EVENT = b"Event: FullyBooted\r\nStatus: Fully Booted\r\n\r\n"


class Wire:
    """A transport that notes whether it is read."""

    def __init__(self) -> None:
        self.read = asyncio.Event()
        self.read.set()
        self.sent = b""

    def pause_reading(self) -> None:
        """Read no more."""
        self.read.clear()

    def resume_reading(self) -> None:
        """Read on."""
        self.read.set()

    def write(self, data: bytes) -> None:
        """Keep what is sent."""
        self.sent += data

    def abort(self) -> None:
        """End."""


def linked() -> tuple[LinkProtocol, Wire]:
    """Give a link on its wire."""
    link, wire = LinkProtocol(Dispatcher(), on_lost=lambda _: None), Wire()
    link.connection_made(cast("asyncio.Transport", wire))
    return link, wire


async def test_after_events_nothing_is_read_for_a_moment() -> None:
    link, wire = linked()
    link.data_received(GREETING + EVENT)
    assert not wire.read.is_set()
    async with asyncio.timeout(5):
        await wire.read.wait()


async def test_an_action_ends_the_rest_and_there_is_none_before_its_answer() -> None:
    link, wire = linked()
    link.data_received(GREETING + EVENT)
    answer = link.send({"Action": "Ping"})
    assert wire.read.is_set()
    link.data_received(EVENT)
    assert wire.read.is_set()
    action_id = wire.sent.split(b"ActionID: ")[1].split(b"\r\n")[0]
    link.data_received(b"Response: Success\r\nActionID: " + action_id + b"\r\n\r\n")
    assert (await answer).success
    assert not wire.read.is_set()
    link.close()


async def test_a_link_that_fails_does_not_rest() -> None:
    link, wire = linked()
    link.data_received(b"SSH-2.0-OpenSSH\r\n")
    assert wire.read.is_set()
