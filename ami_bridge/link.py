"""One AMI connection: bytes in, events to the dispatcher, answers to those who wait. No reconnecting here.

Made to be panoramisk's protocol (`Manager` config key `protocol_factory`): the methods `send` and `close`, and
free attributes, which `Manager.connection_made` sets, are what it expects (tests/component/ami_bridge holds that).
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Final, cast

from ami_bridge.correlator import Correlator, Reply
from ami_bridge.dispatch import Dispatcher
from ami_bridge.wire import AmiReader, encode_action
from tieline.errors import ConnectionLost, LocalProtocolError, RemoteProtocolError

Value = str | Sequence[str]

BUNCH_S: Final = 0.1
"""After a segment nothing is read for so long: Asterisk writes each event by itself, and a wake-up costs more than an
event, here and at all who hear of it. Whoever decides by events looks ten times a second at most. While an answer is
awaited reading goes on at once."""


class LinkProtocol(asyncio.Protocol):
    """The protocol of one connection, from connect to loss.

    Args:
        dispatcher: Gets every event, in order.
        on_lost: Called once with the reason when the connection is of no more use, before the waiting actions fail.
    """

    def __init__(self, dispatcher: Dispatcher, on_lost: Callable[[str], None]) -> None:
        self._dispatcher = dispatcher
        self._on_lost = on_lost
        self._reader = AmiReader()
        self._correlator: Correlator[asyncio.Future[Reply]] = Correlator()
        self._transport: asyncio.Transport | None = None
        self._resuming: asyncio.TimerHandle | None = None
        self._lost = False

    @property
    def version(self) -> str:
        """AMI version of the peer, empty before its greeting."""
        return self._reader.version

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin (asyncio)."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Take a segment (asyncio)."""
        try:
            packets = self._reader.receive_data(data)
        except RemoteProtocolError as error:
            self.fail(str(error))
            return
        events, done = self._correlator.receive(packets)
        for future, reply in done:
            if not future.done():
                future.set_result(reply)
        self._dispatcher.dispatch(events)
        self._rest()

    def _rest(self) -> None:
        if self._lost or self._transport is None or len(self._correlator):
            return
        self._transport.pause_reading()
        self._resuming = asyncio.get_running_loop().call_later(BUNCH_S, self._go_on)

    def _go_on(self) -> None:
        if self._resuming is not None and self._transport is not None:
            self._resuming.cancel()
            self._resuming = None
            self._transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        """End (asyncio)."""
        left = self._reader.receive_eof()
        self.fail(f"closed by the peer{' inside a packet' if left else ''}" if exc is None else str(exc))

    def send(self, data: Mapping[str, Value], as_list: bool | None = None) -> asyncio.Future[Reply]:
        """Send one action (called by `Manager.send_action`) and give the future of its answer.

        The future fails with ConnectionLost when the connection ends first; nothing is ever sent again from here.

        Raises:
            LocalProtocolError: A header that must not be sent.
            ConnectionLost: The connection is gone already.
        """
        if self._lost or self._transport is None:
            raise ConnectionLost("AMI link is down")
        future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        action_id = self._correlator.expect(future, is_list=bool(as_list))
        pairs = [
            (name, one) for name, value in data.items() for one in ([value] if isinstance(value, str) else value)
        ]
        try:
            encoded = encode_action([*pairs[:1], ("ActionID", action_id), *pairs[1:]])
        except LocalProtocolError:
            self._correlator.give_up(action_id)
            raise
        # A waiter that gave up (deadline, cancelled) leaves nothing behind.
        future.add_done_callback(lambda _: self._correlator.give_up(action_id))
        self._transport.write(encoded)
        self._go_on()
        return future

    def close(self) -> None:
        """Close at once (called by `Manager.close` too); harmless when closed."""
        self.fail("closed by us")

    def fail(self, reason: str) -> None:
        """Give the connection up: tell the owner once, then fail every waiting action."""
        if self._transport is not None:
            self._transport.abort()
        if self._lost:
            return
        self._lost = True
        if self._resuming is not None:
            self._resuming.cancel()
        self._on_lost(reason)
        for future in self._correlator.lose_all():
            if not future.done():
                future.set_exception(ConnectionLost(f"AMI link lost: {reason}"))
                future.exception()  # a waiter that is gone must not make asyncio complain
