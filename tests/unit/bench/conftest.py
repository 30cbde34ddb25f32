"""The simulated world as its files say, read once a module."""

import pytest

from bench.world.files import load_world
from bench.world.model import World


@pytest.fixture(scope="module")
def world() -> World:
    return load_world()
