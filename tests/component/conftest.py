"""A Redis, and databases of both kinds, for whichever room's tests want them."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.support.postgres_server import postgres, postgres_url
from tests.support.redis_server import RedisServer, redis_server
from tieline.database import Database, create_schema
from tieline.live import Live

__all__ = ["postgres", "postgres_url"]


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    """One Redis for the module."""
    with redis_server() as running:
        yield running


@pytest.fixture
async def live(server: RedisServer) -> AsyncIterator[Live]:
    """An empty Redis."""
    live = Live(server.url)
    await live.call("FLUSHALL")
    yield live
    await live.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """Give an empty database with our schema, once of each kind."""
    is_sqlite = request.param == "sqlite"
    made = Database(f"sqlite:///{tmp_path / 'tieline.db'}" if is_sqlite else request.getfixturevalue("postgres_url"))
    create_schema(made)
    yield made
    made.close()
