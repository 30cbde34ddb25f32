"""`tieline agent …` and `tieline route pool` over the Redis of a site."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner, Result

from routing import agents_cli, pool_cli
from routing.keys import POOL
from service.cli import main
from tests.component.console.test_api_route import CALL, WAITING
from tests.support.redis_server import RedisServer, redis_server
from tests.unit.trunk_config.network import EXAMPLES
from tieline import bus, secrets_file
from tieline.database import Database
from tieline.live import Live
from tieline.store import fetch_audit
from tieline.topology import Site

pytestmark = pytest.mark.component


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    with redis_server() as running:
        yield running


@pytest.fixture
def home(tmp_path: Path, server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> Path:
    def open_live(site: Site, password: str, *, deadline_s: float) -> Live:
        assert site.id in ("fuzhou", "xiamen")
        assert password
        assert deadline_s > 0
        return Live(server.url)

    for module in (agents_cli, pool_cli):
        monkeypatch.setattr(module, "open_live", open_live)
    secrets_file.generate(tmp_path / "secrets.toml")
    (tmp_path / "settings.toml").write_text(
        f'topology = "{EXAMPLES}/fujian.toml"\nagents = "{EXAMPLES}/agents.toml"\n'
        f'groups = "{EXAMPLES}/groups.toml"\nstate = "{tmp_path}"\n'
    )
    return tmp_path


def run(home: Path, group: str, *words: str) -> Result:
    return CliRunner().invoke(main, [group, "--settings", str(home / "settings.toml"), *words])


async def events(server: RedisServer) -> list[bus.Event]:
    live = Live(server.url)
    found = [bus.decode_event(raw) for _, raw in await live.read("tl:events", "0-0", block_ms=1)]
    await live.close()
    return found


def test_a_wish_is_told_to_the_agents_own_site_by_the_user_who_typed_it(home: Path, server: RedisServer) -> None:
    told = run(home, "agent", "not-ready", "a1001", "--reason", "training", "--until", "+2h")
    assert told.exit_code == 0, told.output
    [asked] = [event for event in asyncio.run(events(server)) if isinstance(event, bus.AgentAsked)]
    assert (asked.agent, asked.wish, asked.reason, asked.until) == ("a1001", "not_ready", "training", asked.until)
    assert 7190 < asked.until - asked.at < 7210
    assert asked.by.startswith("os:")
    database = Database(f"sqlite:///{home}/tieline.sqlite")
    with database.transaction(reading=True) as connection:
        assert [(line.action, line.subject) for line in fetch_audit(connection)] == [
            ("agent.not_ready", "agent:a1001")
        ]
    database.close()


def test_agents_are_listed_by_site_group_and_state(home: Path) -> None:
    everybody = json.loads(run(home, "agent", "list", "--json").output)
    assert {one["site"] for one in everybody} == {"fuzhou", "xiamen"}
    here = json.loads(run(home, "agent", "list", "--site", "fuzhou", "--group", "puxian", "--json").output)
    assert 0 < len(here) < len(everybody)
    assert run(home, "agent", "list", "--state", "talking").output == ""
    assert "a1001" in run(home, "agent", "show", "a1001").output
    assert "puxian" in run(home, "agent", "groups").output


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("agent", "ready", "a9999"), "no agent 'a9999': `tieline agent list`"),
        (("agent", "list", "--site", "taipei"), "'taipei' is not one of fuzhou, xiamen"),
        (("agent", "list", "--group", "nobody"), "'nobody' is not one of puxian"),
        (("agent", "not-ready", "a1001", "--reason", "no_answer"), "'no_answer' is not one of 'short_break'"),
        (("agent", "not-ready", "a1001", "--reason", "meal", "--until", "soon"), "'soon' is no time: write"),
        (("agent", "not-ready", "a1001", "--reason", "meal", "--until", "+3d"), "not within the next 12 hours"),
        (("route", "pool", "--site", "taipei"), "'taipei' is not one of fuzhou, xiamen"),
    ],
)
def test_what_is_not_known_is_refused_and_said(home: Path, words: tuple[str, ...], told: str) -> None:
    refused = run(home, *words)
    assert refused.exit_code != 0
    assert told in refused.output


def test_the_pool_is_listed_longest_wait_first(home: Path, server: RedisServer) -> None:
    async def wait() -> None:
        live = Live(server.url)
        await live.call("HSET", POOL, CALL, msgspec.json.encode(WAITING))
        await live.close()

    asyncio.run(wait())
    told = run(home, "route", "pool", "--site", "fuzhou")
    assert told.exit_code == 0, told.output
    assert CALL in told.output
    assert "nobody ready" in told.output
    [call] = json.loads(run(home, "route", "pool", "--site", "fuzhou", "--json").output.splitlines()[0])["waiting"]
    assert (call["call_id"], call["dialect"], call["step"]) == (CALL, "puxian", call["steps"])
