"""What the lab runs, as data: parts, and how each one shows that it is ready."""

import enum
from typing import Final

import msgspec

from tieline.errors import LocalProtocolError
from tieline.topology import Address


class Exits(msgspec.Struct, frozen=True, tag=True):
    """A step: ready when it ended with status 0."""


class Notifies(msgspec.Struct, frozen=True, tag=True):
    """Ready when it said READY=1 (sd_notify(3)); killed when no WATCHDOG=1 came for `watchdog_s` seconds."""

    watchdog_s: float


class AnswersSip(msgspec.Struct, frozen=True, tag=True):
    """Ready when it answers OPTIONS over UDP, whatever the answer."""

    address: Address


class AnswersLine(msgspec.Struct, frozen=True, tag=True):
    """Ready when, on a TCP connection, it answers `ask` with something that begins with `expect`."""

    address: Address
    ask: bytes
    expect: bytes


class Succeeds(msgspec.Struct, frozen=True, tag=True):
    """Ready when this command, run beside it in the same way, ends with status 0."""

    argv: tuple[str, ...]


Readiness = Exits | Notifies | AnswersSip | AnswersLine | Succeeds


class PartState(enum.StrEnum):
    """Where a part is in its life."""

    WAITING = "waiting"
    STARTING = "starting"
    READY = "ready"
    DONE = "done"
    FROZEN = "frozen"
    STOPPED = "stopped"
    FAILED = "failed"


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One program of the lab.

    Attributes:
        log: Path of the file that gets its output.
        in_root: Runs in the private root; otherwise on the host (Python parts).
        after: Names of the parts that must be ready first.
        uid: User to run as, of an own user namespace.
        restart: Started again when it ends without having been told to.
        ready_s: How long it may take to get ready, seconds.
        stop_signal: Number of the signal that asks it to end (15 is SIGTERM).
        stop_s: How long it may take to end before it is killed, seconds.
    """

    name: str
    argv: tuple[str, ...]
    ready: Readiness
    log: str
    in_root: bool = True
    after: tuple[str, ...] = ()
    environment: dict[str, str] = {}
    uid: int | None = None
    restart: bool = False
    ready_s: float = 30.0
    stop_signal: int = 15
    stop_s: float = 5.0


class Places(msgspec.Struct, frozen=True, kw_only=True):
    """Where parts run: what `lab.sandbox.Sandbox` needs, as text."""

    root: str
    readable: tuple[str, ...] = ()
    writable: tuple[str, ...] = ()


class Orders(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a supervisor is told before it starts: the file `orders.json` of a lab's state directory."""

    places: Places
    parts: tuple[Part, ...]


_ENCODER: Final = msgspec.json.Encoder()
_ORDERS: Final = msgspec.json.Decoder(Orders)


def encode_orders(orders: Orders) -> bytes:
    """Encode orders as JSON."""
    return _ENCODER.encode(orders)


def decode_orders(raw: bytes) -> Orders:
    """Decode orders.

    Raises:
        LocalProtocolError: They are not what `encode_orders` writes, or a name is used twice or missing.
    """
    try:
        orders = _ORDERS.decode(raw)
    except msgspec.MsgspecError as error:
        raise LocalProtocolError(f"orders: {error}") from error
    known: set[str] = set()
    for part in orders.parts:
        if part.name in known or not known.issuperset(part.after):
            raise LocalProtocolError(f"orders: {part.name} is there twice, or comes before what it needs")
        known.add(part.name)
    return orders
