"""The example's topology, read once."""

from pathlib import Path

import pytest

from tieline.topology import Topology
from tieline.topology_file import load_topology

FUJIAN = Path(__file__).parents[3] / "examples" / "fujian.toml"


@pytest.fixture(scope="session")
def fujian() -> Topology:
    """Give the example's topology."""
    return load_topology(FUJIAN)
