"""`tieline route explain` over the Redis of both sites."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from routing import explain_cli
from routing.offers import MakeOffer, WithdrawOffer
from routing.why import keeping
from service.cli import main
from tests.component.console.test_api_route import CALL, OFFER
from tests.support.redis_server import RedisServer, redis_server
from tests.unit.routing.test_explain import DECISION
from tests.unit.trunk_config.network import EXAMPLES
from tieline import secrets_file
from tieline.live import Live
from tieline.topology import Site

pytestmark = pytest.mark.component


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    with redis_server() as running:
        yield running


@pytest.fixture
def home(tmp_path: Path) -> Path:
    secrets_file.generate(tmp_path / "secrets.toml")
    (tmp_path / "settings.toml").write_text(f'topology = "{EXAMPLES}/fujian.toml"\nstate = "{tmp_path}"\n')
    return tmp_path


def database_of(server: RedisServer, site: str) -> Live:
    """Each site has a database of its own in the test's one Redis."""
    return Live(server.url.removesuffix("/0") + ("/1" if site == "xiamen" else "/0"))


def explain(home: Path, server: RedisServer, monkeypatch: pytest.MonkeyPatch, *words: str) -> Result:
    def open_live(site: Site, password: str, *, deadline_s: float) -> Live:
        assert password
        assert deadline_s > 0
        return database_of(server, site.id)

    monkeypatch.setattr(explain_cli, "open_live", open_live)
    command = ["route", "--settings", str(home / "settings.toml"), "explain", *words]
    return CliRunner().invoke(main, command, env={"COLUMNS": "200"})


async def decide(server: RedisServer) -> None:
    for site, effect in (("xiamen", WithdrawOffer(OFFER, "gone")), ("fuzhou", MakeOffer(OFFER, DECISION))):
        live = database_of(server, site)
        await live.call("FLUSHDB")
        for command in keeping(effect, DECISION.at + 1):
            await live.call(*command)
        await live.close()


def test_both_sites_are_asked_and_told_in_the_order_of_time(
    home: Path, server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    asyncio.run(decide(server))
    told = explain(home, server, monkeypatch, CALL)
    assert told.exit_code == 0, told.output
    assert "offered to a1002" in told.stdout
    assert told.stdout.splitlines()[-1].endswith("the caller left, or was served elsewhere")
    found: Any = json.loads(explain(home, server, monkeypatch, CALL, "--json").stdout)
    assert [entry["type"] for entry in found["decisions"]] == ["offered", "ended"]


def test_a_call_of_which_nothing_is_known_ends_with_1_and_nonsense_with_2(
    home: Path, server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    unknown = explain(home, server, monkeypatch, "fuzhou-1:99.9")
    assert (unknown.exit_code, "decided anything" in unknown.stderr) == (1, True)
    nonsense = explain(home, server, monkeypatch, "nonsense")
    assert (nonsense.exit_code, "'nonsense' is no call id" in nonsense.stderr) == (2, True)
    assert "`tieline route pool`" in nonsense.stderr, "where ids are to be seen"
