"""The rendered switch plan, in memory and on disk: all of it, or nothing."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from service.plan import build_plan, load_plan_data
from tieline import secrets_file
from tieline.faults import Faults
from tieline.settings import Settings
from tieline.switch_plan import SwitchPlan
from trunk_config.render import render_all


@dataclass(frozen=True, slots=True)
class Rendering:
    """What every node and edge is to read.

    Attributes:
        files: Text by absolute path.
    """

    plan: SwitchPlan
    files: Mapping[Path, str]


def render_in_memory(settings: Settings) -> Rendering:
    """Render everything and write nothing.

    Raises:
        ConfigError: With the faults of all files.
    """
    faults = Faults()
    with faults.kept():
        data = load_plan_data(settings)
    with faults.kept():
        secrets = secrets_file.load(settings.secrets)
    faults.refuse_if_any()
    plan = build_plan(settings, data, secrets)
    return Rendering(plan, dict(render_all(plan)))


def render_configuration(settings: Settings) -> int:
    """Render everything, with new secrets where there are none, then write file by file (each by a rename).

    Returns:
        How many files were written.

    Raises:
        ConfigError: With the faults of all files.
    """
    if not settings.secrets.exists():
        load_plan_data(settings)  # or secrets would be made for nothing
        secrets_file.generate(settings.secrets)
    rendering = render_in_memory(settings)
    for path, text in rendering.files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_private(path.with_name(f".{path.name}.new"), text).replace(path)
    _make_directories(rendering.plan)
    return len(rendering.files)


def write_private(path: Path, text: str) -> Path:
    """Write a file that may hold secrets: mode 0600. Gives the path."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def _make_directories(plan: SwitchPlan) -> None:
    for paths in plan.paths.values():
        for name in ("lib", "spool", "run", "log"):
            (paths.root / name).mkdir(parents=True, exist_ok=True)
        paths.journal.mkdir(parents=True, exist_ok=True)
    for directory in plan.edge_dirs.values():
        (directory / "accounting").mkdir(parents=True, exist_ok=True)
    plan.recordings.mkdir(parents=True, exist_ok=True)
