"""The demo on a lab that was up before: its own quotas are put in force, once."""

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from lab import demo
from lab.demo import put_quotas_on
from lab.plan import HOME
from lab.samples import FULL_CITY, quotas_with_full_city
from tieline.database import Database, create_schema
from tieline.topology_file import load_topology
from trunk_config.desk import Desk
from trunk_config.profiles import load_profiles

pytestmark = pytest.mark.component

TOPOLOGY = load_topology(HOME / "examples/fujian.toml")
QUOTAS = HOME / "examples/quotas.toml"


def sites_changed(monkeypatch: pytest.MonkeyPatch, folder: Path, *, before: Path, quotas: Path) -> list[str]:
    """Give the sites at which the demo changes the quotas, when those of the file `before` are in force."""
    settings = folder / "settings.toml"
    settings.write_text(f'state = "{folder}"\n')
    database = Database(f"sqlite:///{folder}/tieline.sqlite")
    create_schema(database)
    for site in TOPOLOGY.sites:
        asyncio.run(Desk(database, TOPOLOGY, load_profiles(before, TOPOLOGY)).newest(site))
    database.close()
    run: list[tuple[str, ...]] = []
    monkeypatch.setattr(demo, "run_tieline", lambda *words, say: run.append(words))
    plan = SimpleNamespace(settings_file=settings, quotas_file=quotas, topology=TOPOLOGY)
    put_quotas_on(cast("Any", plan), print)
    assert all(words[:3] == ("quota", "--settings", str(settings)) for words in run)
    return [words[words.index("profile") + 1] for words in run]


def test_quotas_of_a_lab_that_was_up_before_give_way(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    own = tmp_path / "quotas.toml"
    own.write_text(quotas_with_full_city(QUOTAS.read_text(), FULL_CITY))
    assert sites_changed(monkeypatch, tmp_path, before=QUOTAS, quotas=own) == ["fuzhou", "xiamen"]


def test_the_demos_own_are_left_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert sites_changed(monkeypatch, tmp_path, before=QUOTAS, quotas=QUOTAS) == []
