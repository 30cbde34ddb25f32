"""What the tests of calling back share: an entry that is due, what was told, what came of it."""

from pathlib import Path

import msgspec

from routing.callback import Callback
from routing.callback_desk import CallbackDesk
from routing.callback_live import add
from routing.hours import load_hours
from routing.keys import OFFERS
from routing.offers import Offer, Waiting
from routing.store import fetch_callbacks, put_callback
from service.acting import Act
from service.callback_dialler import AFTER_S, CallbackDialler
from tests.unit.routing.test_callback import ENTRY, RULES
from tieline import bus
from tieline.clock import Clock
from tieline.database import Database
from tieline.lease import Lease
from tieline.live import EVENTS, Live, commands_stream
from tieline.model import AgentId, Lane, Need, NodeId, SiteId
from tieline.topology import Topology
from tieline.topology_file import load_topology

TOPOLOGY = load_topology(Path(__file__).parents[3] / "examples" / "fujian.toml")
FUZHOU = TOPOLOGY.sites[SiteId("fuzhou")]
DUE = ENTRY.made_at + AFTER_S
NODE = "fuzhou-1"


def dialler_of(
    live: Live, database: Database, act: Act, clock: Clock, topology: Topology = TOPOLOGY
) -> CallbackDialler:
    desk = CallbackDesk(database, RULES, clock=clock)
    return CallbackDialler(FUZHOU, topology, live, desk, RULES, load_hours(DUE), act, clock)


async def acting(live: Live, process: str, *, lasts_s: float = 30) -> Act:
    """Take the lease, and give what its holder acts by."""
    lease = Lease(live, "tl:test:lease", process, lasts_s=lasts_s)
    hold = await lease.take()
    return lambda commands: lease.act(hold, commands)


async def kept(live: Live, database: Database, entry: Callback = ENTRY) -> None:
    await add(live, entry)
    with database.transaction() as connection:
        put_callback(connection, entry)


async def told(live: Live, kind: type[bus.Message]) -> list[bus.Message]:
    events = [bus.decode_event(raw) for _, raw in await live.read(EVENTS, "0-0", block_ms=1)]
    return [event for event in events if isinstance(event, kind)]


async def commanded(live: Live, node: str = NODE) -> list[bus.Command]:
    return [bus.decode_command(raw) for _, raw in await live.read(commands_stream(node), "0-0", block_ms=1)]


def offer(call_id: str = ENTRY.call_id) -> bus.OfferMade:
    return bus.OfferMade(at=DUE, call_id=call_id, agent="a1001", fence=7, lease_until=DUE + 45, call_site="fuzhou")


def in_sql(database: Database) -> Callback:
    with database.transaction(reading=True) as connection:
        [entry] = fetch_callbacks(connection, is_open=False)
    return entry


def gone() -> bus.CallGone:
    return bus.CallGone(at=DUE, call_id=ENTRY.call_id, node=NODE, channel="PJSIP/edge-1-1", uniqueid="1", cause=19)


def waiting(channel: str = "") -> Waiting:
    need = Need(ENTRY.dialect, ENTRY.business, ENTRY.city, Lane.CALLBACK)
    return Waiting(ENTRY.call_id, NodeId(""), channel, need, ENTRY.since, FUZHOU.id)


async def offered(live: Live, *, taken: bool = False, lease_until: float = DUE + 45) -> None:
    made = Offer(waiting(), AgentId("a1001"), 7, lease_until, taken)
    await live.call("HSET", OFFERS, ENTRY.call_id, msgspec.json.encode(made))
