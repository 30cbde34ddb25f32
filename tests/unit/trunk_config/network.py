"""The example's network and profiles, and versions of Fuzhou's quotas, for the room's tests."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from tieline.model import CityId, SiteId
from tieline.principal import Principal, Role
from tieline.topology import Topology, TrunkState
from tieline.topology_file import load_topology
from trunk_config.profiles import Profiles, load_profiles
from trunk_config.versions import QuotaVersion

EXAMPLES = Path(__file__).parents[3] / "examples"
FUZHOU = SiteId("fuzhou")
NOW = 1_795_276_799.0
TOPOLOGY: Topology = load_topology(EXAMPLES / "fujian.toml")
PROFILES: Profiles = load_profiles(EXAMPLES / "quotas.toml", TOPOLOGY)
ADMIN = Principal(role=Role.ADMIN, city=None, site=None, name="lin")


def version(number: int = 1, profile: str = "normal", **fields: Any) -> QuotaVersion:
    """A version of Fuzhou with a profile of the file."""
    made = QuotaVersion(
        site=FUZHOU,
        version=number,
        profile=profile,
        quotas=PROFILES[FUZHOU, profile].quotas,
        by="chen",
        why="test",
        at=NOW - 100,
    )
    return replace(made, **fields)


def out_of_service(topology: Topology, trunk: str, state: TrunkState = TrunkState.OUT_OF_SERVICE) -> Topology:
    """The same network, one trunk group out of service or blocked."""
    cities = {
        city.id: replace(
            city,
            trunk_groups=tuple(
                replace(group, state=state) if group.id == trunk else group for group in city.trunk_groups
            ),
        )
        for city in topology.cities.values()
    }
    return replace(topology, cities=cities)


def city(name: str) -> CityId:
    """A city's id."""
    return CityId(name)
