"""The house is built once; each test begins with empty books and must leave nothing behind."""

from collections.abc import Iterator

import pytest

from tests.live.house import House, house


@pytest.fixture(scope="session")
def _built() -> Iterator[House]:
    with house() as running:
        yield running


@pytest.fixture
def lab(_built: House) -> Iterator[House]:
    """A quiet lab before and after."""
    _built.begin()
    yield _built
    _built.settle()
