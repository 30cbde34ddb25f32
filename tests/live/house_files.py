"""What the live tests' lab is made of: the example's files, changed where tests want something special."""

import shutil
from pathlib import Path
from typing import Final

from lab.phones import PhoneGroup
from lab.plan import HOME
from lab.samples import quotas_with_full_city
from lab.scripts import Answers
from routing.agents import load_agents
from tests.live.special_agents import FAR_PHONES, PHONES, SPECIAL, added_agents
from tieline.model import CityId, SiteId
from tieline.topology_file import load_topology

FULL_CITY: Final = CityId("longyan")
"""Its cap at its home site is 1 in this lab."""


def topology_file(folder: Path) -> Path:
    """The example's network, as a copy that tests may change."""
    path = folder / "fujian.toml"
    shutil.copy(HOME / "examples/fujian.toml", path)
    return path


def quotas_file(folder: Path) -> Path:
    """The example's quotas with room for one caller from Longyan."""
    path = folder / "quotas.toml"
    text = (HOME / "examples/quotas.toml").read_text(encoding="utf-8")
    path.write_text(quotas_with_full_city(text, FULL_CITY), encoding="utf-8")
    return path


def agents_file(folder: Path) -> Path:
    """The example's agents and the special ones."""
    path = folder / "agents.toml"
    path.write_text((HOME / "examples/agents.toml").read_text(encoding="utf-8") + added_agents(), encoding="utf-8")
    return path


def phone_groups(agents_at: Path) -> dict[SiteId, tuple[PhoneGroup, ...]]:
    """The phones of all agents of a file, who answer after a moment; the special ones do otherwise."""
    agents = load_agents(agents_at, load_topology(HOME / "examples/fujian.toml"))
    groups: dict[SiteId, tuple[PhoneGroup, ...]] = {}
    for site in {agent.site for agent in agents.values()}:
        willing = tuple(agent.id for agent in agents.values() if agent.site == site and agent.id not in SPECIAL)
        groups[site] = (PhoneGroup(site, willing, Answers(ring_ms=300)),)
    groups[SiteId("fuzhou")] += PHONES
    groups[SiteId("xiamen")] += FAR_PHONES
    return groups
