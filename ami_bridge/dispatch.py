"""From packets to subscribers, by the event's name: the cost does not grow with the number of subscribers."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, cast

import structlog

from ami_bridge.events import MODELLED, AmiEvent, Kind, reader_of
from ami_bridge.wire import Packet
from tieline.errors import LocalProtocolError

_log = structlog.get_logger("bridge")
_EVENT: Final = b"Event: "


@dataclass(slots=True)
class _Route:
    """What becomes of one kind of event."""

    read: Callable[[Packet], AmiEvent]
    subscribers: list[Callable[[AmiEvent], None]]
    seen: int = 0


class Dispatcher:
    """Reads an event once and hands it to those who asked for its type.

    An event that nobody asked for costs a look-up of its name, no reading. A subscriber that raises is logged and
    counted; the others still get the event and the link stays up.

    Attributes:
        unwanted: Packets that nobody asked for.
        failures: Calls of a subscriber that raised.
    """

    def __init__(self) -> None:
        self.unwanted = 0
        self.failures = 0
        self._routes: dict[bytes, _Route] = {}  # by the first line

    @property
    def seen(self) -> dict[str, int]:
        """How often each subscribed event came, by name; those that never came are left out."""
        return {line[len(_EVENT) :].decode(): route.seen for line, route in self._routes.items() if route.seen}

    def subscribe(self, kind: type[Kind], subscriber: Callable[[Kind], None]) -> None:
        """Call `subscriber` with each event of one type, in the order of arrival.

        Raises:
            LocalProtocolError: `kind` is no modelled event.
        """
        name = kind.__name__
        if MODELLED.get(name) is not kind:
            raise LocalProtocolError(f"{name} is no AMI event that we model")
        route = self._routes.setdefault(_EVENT + name.encode(), _Route(reader_of(kind), []))
        route.subscribers.append(cast("Callable[[AmiEvent], None]", subscriber))  # the name stands for the type

    def dispatch(self, packets: Iterable[Packet]) -> None:
        """Hand the events among `packets` to their subscribers."""
        routes = self._routes
        for packet in packets:
            end = packet.find(b"\r")
            route = routes.get(packet[:end] if end > 0 else packet)
            if route is None:
                self.unwanted += 1
                continue
            route.seen += 1
            event = route.read(packet)
            for subscriber in route.subscribers:
                try:
                    subscriber(event)
                except Exception:  # noqa: BLE001  # the top frame of foreign code: its fault must not cost the link
                    self.failures += 1
                    _log.exception("AMI subscriber failed", event_name=type(event).__name__)
