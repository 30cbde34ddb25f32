"""A Redis, and databases of both kinds, for the room's tests."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.support.postgres_server import postgres, postgres_url
from tests.support.redis_server import RedisServer, redis_server
from tieline.database import Database, create_schema
from tieline.live import Live
from trunk_config import store  # noqa: F401 - its table belongs to the schema

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
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'tieline.db'}"
    else:
        url = request.getfixturevalue("postgres_url")
    made = Database(url)
    create_schema(made)
    yield made
    made.close()
