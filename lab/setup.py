"""Preparing a lab on disk before it starts: root, prompts, settings, rendered configuration, no old traces."""

import contextlib
import os
import secrets
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from lab.errors import LabError
from lab.parts import Orders
from lab.phones import PhoneGroup, write_phones
from lab.plan import (
    CALLBACK_FILE,
    HOME,
    HOURS_FILE,
    TIELINE,
    DatabaseKind,
    LabPlan,
    orders,
    phones_folder,
    phones_of,
    redis_folder,
    settings_text,
    state_of,
)
from lab.redis import redis_texts
from lab.root import Say, ensure_root, need_root
from lab.scripts import Answers, PhoneScript
from routing.agents import Agent, load_agents
from tieline import secrets_file
from tieline.loopback import shift_loopback
from tieline.model import AgentId, SiteId
from tieline.settings import load_settings
from tieline.topology_file import load_topology

DEFAULT_PHONE: Final = Answers(ring_ms=500)
_BUILD_S: Final = 1800
_STALE: Final = (
    "nodes/*/run/*",
    "nodes/*/lib/astdb*",
    "nodes/*/*/*.pid",
    "postgres/postmaster.pid",
    "postgres/.s.*",
    "*.notify",
    "conf/edge*/*.sock",
)


def make_plan(
    instance: int,
    say: Say,
    *,
    store: Path = HOME / ".tieline",
    topology_file: Path = HOME / "examples/fujian.toml",
    agents_file: Path = HOME / "examples/agents.toml",
    quotas_file: Path = HOME / "examples/quotas.toml",
    hours_file: Path = HOURS_FILE,
    callback_file: Path = CALLBACK_FILE,
    database: DatabaseKind = "sqlite",
    phones: Mapping[SiteId, tuple[PhoneGroup, ...]] | None = None,
) -> LabPlan:
    """Plan a lab, with the private root built when there is none.

    Raises:
        ConfigError: The topology is faulty.
        LabError: The private root cannot be made.
    """
    topology = shift_loopback(load_topology(topology_file), instance)
    agents = load_agents(agents_file, topology)
    return LabPlan(
        instance=instance,
        store=store,
        root=ensure_root(store / "roots", say),
        topology=topology,
        topology_file=topology_file,
        agents_file=agents_file,
        quotas_file=quotas_file,
        hours_file=hours_file,
        callback_file=callback_file,
        database=database,
        phones=phones if phones is not None else willing_phones(agents.values()),
    )


def willing_phones(
    agents: Iterable[Agent], script: PhoneScript = DEFAULT_PHONE
) -> dict[SiteId, tuple[PhoneGroup, ...]]:
    """Put all agents of a site into one group of phones that answer."""
    found: dict[SiteId, list[AgentId]] = {}
    for agent in agents:
        found.setdefault(agent.site, []).append(agent.id)
    return {site: (PhoneGroup(site, tuple(names), script),) for site, names in found.items()}


def prepare(plan: LabPlan, say: Say) -> Orders:
    """Write everything that the parts of a lab read; gives the orders for its supervisor.

    Raises:
        LabError: Prompts or configuration cannot be made.
    """
    plan.state.mkdir(parents=True, exist_ok=True, mode=0o700)
    _remove_traces(plan.state)
    password = _password(plan.postgres_password_file)
    _write_private(plan.settings_file, settings_text(plan, password))
    run_tieline("prompts", "build", "--sounds", str(plan.sounds), "--root", str(plan.root), say=say)
    run_tieline("conf", "render", "--settings", str(plan.settings_file), say=say)
    known = secrets_file.load(plan.secrets_file)
    redis_folder(plan).mkdir(exist_ok=True)
    for path, text in redis_texts(plan.topology, redis_folder(plan), known.redis_password):
        _write_private(path, text)
    for site in plan.topology.sites.values():
        write_phones(phones_of(site), plan.phones.get(site.id, ()), phones_folder(plan), known)
    (plan.state / "log").mkdir(exist_ok=True)
    return orders(plan)


def _remove_traces(state: Path) -> None:
    """Remove what a lab that was killed left: sockets and pid files would be taken for a running program."""
    for pattern in _STALE:
        for path in state.glob(pattern):
            with contextlib.suppress(FileNotFoundError):
                path.unlink()
    shutil.rmtree(state / "log", ignore_errors=True)


def _password(path: Path) -> str:
    if not path.exists():
        _write_private(path, secrets.token_hex(24))
    return path.read_text()


def _write_private(path: Path, text: str) -> None:
    draft = path.with_name(f".{path.name}.new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    draft.replace(path)


def run_tieline(*arguments: str, say: Say) -> None:
    """Run one of Tieline's own commands, passing its output on line by line.

    Raises:
        LabError: It failed.
    """
    tail = ""
    with subprocess.Popen(
        [*TIELINE, *arguments], cwd=HOME, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        for line in process.stdout or ():
            tail = f"{tail}{line}"[-4000:]
            if line.strip():
                say(line.rstrip())
        try:
            process.wait(_BUILD_S)
        except subprocess.TimeoutExpired:
            process.kill()
    if process.returncode != 0:
        raise LabError(f"`tieline {' '.join(arguments[:2])}` failed:\n{tail.strip()}")


def load_plan(instance: int, store: Path) -> LabPlan:
    """Give the plan of a lab that is up already.

    Raises:
        LabError: It was never set up, or the private root is gone.
        ConfigError: Its settings are faulty.
    """
    path = state_of(store, instance) / "settings.toml"
    if not path.exists():
        raise LabError(f"no lab was set up in {path.parent}; `tieline lab up` does it")
    settings = load_settings(path, {})
    return LabPlan(
        instance=instance,
        store=store,
        root=need_root(store / "roots"),
        topology=shift_loopback(load_topology(settings.topology), instance),
        topology_file=settings.topology,
        agents_file=settings.agents,
        quotas_file=settings.quotas,
        hours_file=settings.hours,
        callback_file=settings.callback,
        callers_file=settings.callers,
        database="sqlite" if settings.database_url.startswith("sqlite") else "postgresql",
    )
