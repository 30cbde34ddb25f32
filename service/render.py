"""Write the rendered switch plan to disk: all of it, or nothing."""

import os
from pathlib import Path

from routing.agents import load_agents
from service.plan import build_plan
from tieline import secrets_file
from tieline.settings import Settings
from tieline.topology import shift_loopback
from tieline.topology_file import load_topology
from trunk_config.render import render_all


def render_configuration(settings: Settings) -> int:
    """Render everything in memory, then write file by file (each by a rename).

    Returns:
        How many files were written.

    Raises:
        ConfigError: Topology, agents or secrets are faulty.
    """
    topology = shift_loopback(load_topology(settings.topology), settings.loopback_instance)
    agents = load_agents(settings.agents, topology)
    secrets_file.generate(settings.secrets)
    plan = build_plan(settings, topology, agents.values(), secrets_file.load(settings.secrets))
    files = list(render_all(plan))
    for path, text in files:
        _write(path, text)
    for paths in plan.paths.values():
        for name in ("lib", "spool", "run", "log"):
            (paths.root / name).mkdir(parents=True, exist_ok=True)
        paths.journal.mkdir(parents=True, exist_ok=True)
    for directory in plan.edge_dirs.values():
        (directory / "accounting").mkdir(parents=True, exist_ok=True)
    plan.recordings.mkdir(parents=True, exist_ok=True)
    return len(files)


def _write(path: Path, text: str) -> None:
    """Write a file that may hold secrets: mode 0600, and whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    fresh.replace(path)
