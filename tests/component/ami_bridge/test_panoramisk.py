"""What we rely on in panoramisk 1.4, and the faults we keep outside: a version that mends one is noticed here."""

import asyncio
import logging
from importlib import metadata
from typing import Any

import pytest
from panoramisk import Manager
from panoramisk.actions import Action
from panoramisk.ami_protocol import AMIProtocol

from tests.component.ami_bridge.scripted_ami import SECRET, ScriptedAmi, scripted_ami

pytestmark = pytest.mark.component


class Noting(asyncio.Protocol):
    """The least protocol that `Manager` takes: what it calls and sets is what we rely on."""

    def __init__(self) -> None:
        self.sent: list[tuple[Any, Any]] = []
        self.closed = 0

    def send(self, data: Any, as_list: Any = None) -> str:
        self.sent.append((data, as_list))
        return "a future of ours"

    def close(self) -> None:
        self.closed += 1


async def connected(peer: ScriptedAmi, protocol: asyncio.Protocol) -> Manager:
    manager = Manager(
        host="127.0.0.1", port=peer.port, protocol_factory=lambda: protocol, loop=asyncio.get_running_loop()
    )
    await manager.connect()
    return manager


def quiet() -> AMIProtocol:
    protocol = AMIProtocol()
    protocol.connection_made(None)
    protocol.factory = Manager()
    protocol.encoding = "utf8"
    protocol.data_received(b"Asterisk Call Manager/11.0.0\r\n")
    return protocol


def test_the_version_is_the_one_these_tests_are_about() -> None:
    assert metadata.version("panoramisk") == "1.4"


async def test_a_manager_makes_our_protocol_and_sends_through_it() -> None:
    async with scripted_ami() as peer:
        protocol = Noting()
        manager = await connected(peer, protocol)
        assert manager.protocol is protocol
        assert protocol.sent == []  # without a username in its configuration it does not log in by itself
        assert manager.send_action({"Action": "Ping"}, as_list=True) == "a future of ours"
        assert protocol.sent == [({"Action": "Ping"}, True)]
        manager.close()
        assert protocol.closed == 1
        assert manager.pinger is None


async def test_a_manager_passes_what_we_put_into_an_action_on_unchanged() -> None:
    async with scripted_ami() as peer:
        protocol = Noting()
        manager = await connected(peer, protocol)
        manager.send_action({"Action": "Originate", "Variable": ["A=1", "B=2"]}, as_list=False)
        assert protocol.sent == [({"Action": "Originate", "Variable": ["A=1", "B=2"]}, False)]
        manager.close()


async def test_fault_a_failed_connect_is_tried_again_behind_our_back(caplog: pytest.LogCaptureFixture) -> None:
    class Counting(Manager):  # type: ignore[misc]
        again = asyncio.Event()

        def connect(self, *_: Any) -> None:
            self.again.set()

    manager = Counting(loop=asyncio.get_running_loop(), reconnect_timeout=0)
    failed = asyncio.get_running_loop().create_future()
    failed.set_exception(OSError("refused"))
    with caplog.at_level(logging.CRITICAL):
        manager.connection_made(failed)
        async with asyncio.timeout(5):
            await manager.again.wait()
    assert manager.again.is_set()


async def test_fault_a_character_cut_by_a_segment_is_lost() -> None:
    protocol, got = quiet(), []
    protocol.factory.register_event("A", lambda _, event: got.append(event["Name"]))
    raw = "Event: A\r\nName: 福州\r\n\r\n".encode()
    protocol.data_received(raw[:17])
    protocol.data_received(raw[17:])
    assert got != ["福州"]


async def test_fault_an_empty_last_header_is_lost() -> None:
    protocol, got = quiet(), []
    protocol.factory.register_event("A", lambda _, event: got.append("Value" in event))
    protocol.data_received(b"Event: A\r\nValue: \r\n\r\n")
    assert got == [False]


async def test_fault_line_ends_in_a_value_begin_a_second_action() -> None:
    assert "\r\nAction: Originate\r\n" in str(Action({"Action": "Ping", "X": "1\r\nAction: Originate"}))


async def test_fault_one_raising_callback_drops_the_rest_of_the_segment() -> None:
    protocol, got = quiet(), []

    def faulty(_: Manager, event: Any) -> None:
        got.append(event)
        raise ValueError("a bug")

    protocol.factory.register_event("A", faulty)
    with pytest.raises(ValueError, match="a bug"):
        protocol.data_received(b"Event: A\r\n\r\nEvent: A\r\n\r\n")
    assert len(got) == 1


async def test_fault_an_unanswered_originate_is_said_again_on_the_next_link(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.CRITICAL, "panoramisk"):
        async with scripted_ami() as peer:
            peer.answers["Originate"] = lambda _: None
            manager = Manager(
                host="127.0.0.1", port=peer.port, username="u", secret=SECRET, loop=asyncio.get_running_loop(),
                reconnect_timeout=0, log=logging.getLogger("panoramisk.quiet"),
            )  # fmt: skip
            await manager.connect()
            await peer.heard("Login")
            waiting = manager.send_action({"Action": "Originate", "Channel": "PJSIP/customer"})
            await peer.heard("Originate")
            peer.cut()
            assert len(await peer.heard("Originate", 2)) == 2
            assert not waiting.done()
            manager.close()
