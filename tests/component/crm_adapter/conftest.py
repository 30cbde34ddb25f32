"""Databases of both kinds for the room's tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.postgres_server import postgres, postgres_url
from tieline.database import Database, create_schema

__all__ = ["postgres", "postgres_url"]


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
