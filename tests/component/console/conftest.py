"""A console on a real Redis and SQLite, served on a real socket."""

from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient, TestServer

from console.app import build_app
from console.keys import ConsoleParts
from console.readiness import heartbeat_probe
from crm_adapter.store import Store
from routing.agents import load_agents
from routing.callback_rules import load_callback_rules
from routing.groups import load_groups
from routing.hours import load_hours
from routing.ladder_file import load_ladders
from routing.staff import Staff
from tests.support.redis_server import RedisServer, redis_server
from tests.unit.trunk_config.network import PROFILES, TOPOLOGY
from tieline.database import Database, create_schema
from tieline.live import Live
from tieline.model import CityId, SiteId
from tieline.principal import Principal, Role
from tieline.tokens import Tokens
from tieline.topology_file import load_topology

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"
ME = Principal(role=Role.ADMIN, city=None, site=None, name="test")


@dataclass
class Desk:
    """What a test has in hand.

    Attributes:
        far: The copy of Xiamen's Redis.
        now: The console's clock; set it.
        token: Makes a bearer token.
    """

    client: TestClient  # type: ignore[type-arg]
    live: Live
    far: Live
    store: Store
    tokens: Tokens
    now: list[float]
    token: Callable[..., str]

    def header(self, token: str) -> dict[str, str]:
        """Give the header that carries a token."""
        return {"Authorization": f"Bearer {token}"}


@pytest.fixture(scope="module")
def redis() -> Iterator[RedisServer]:
    """One Redis for the module; a test that stops it starts it again."""
    with redis_server() as server:
        yield server


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """An empty database with our schema."""
    made = Database(f"sqlite:///{tmp_path / 'tieline.db'}")
    create_schema(made)
    yield made
    made.close()


def staff() -> Staff:
    """The agents of the example."""
    network = load_topology(EXAMPLES / "fujian.toml")
    agents = load_agents(EXAMPLES / "agents.toml", network)
    return Staff(agents, load_groups(EXAMPLES / "groups.toml", network, agents), load_ladders(network, agents))


@pytest.fixture
async def desk(redis: RedisServer, database: Database) -> AsyncIterator[Desk]:
    """A console of Fuzhou that is up."""
    live, far, now = Live(redis.url), Live(f"{redis.url.removesuffix('/0')}/1"), [1_795_276_799.0]
    await live.call("FLUSHALL")
    tokens = Tokens(database, clock=lambda: now[0])
    beat = heartbeat_probe(live, "tl:hb:agi", max_age_s=5.0, clock=lambda: now[0])
    parts = ConsoleParts(
        live=live,
        database=database,
        site=SiteId("fuzhou"),
        topology=TOPOLOGY,
        profiles=PROFILES,
        staff=staff(),
        callback=load_callback_rules(),
        hours=load_hours(now[0]),
        abroad={SiteId("xiamen"): far},
        probes={"agi": beat},
        metrics={"forwarder": lambda: {"delivered": 7.0}, "bridge_fuzhou-1": lambda: {"events": 3.0}},
        clock=lambda: now[0],
    )

    def token(role: Role = Role.MONITOR, *, city: str | None = None, site: str | None = None) -> str:
        scope = (CityId(city) if city else None, SiteId(site) if site else None)
        return tokens.new(Principal(role=role, city=scope[0], site=scope[1], name="somebody"), by=ME).text

    async with TestClient(TestServer(build_app(parts))) as client:
        yield Desk(client, live, far, Store(database), tokens, now, token)
    for one in (live, far):
        await one.close()
