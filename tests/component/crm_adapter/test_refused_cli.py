"""`tieline refused list` as somebody types it who calls back."""

import asyncio
import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from crm_adapter.refused_cli import refused
from crm_adapter.store import Store
from tests.component.crm_adapter.test_store import numbered, turned_away
from tieline.database import Database, create_schema
from tieline.settings import Settings, load_settings
from tieline.store import fetch_audit

pytestmark = pytest.mark.component

TOPOLOGY = Path(__file__).parents[3] / "examples" / "fujian.toml"

Run = Callable[..., Result]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    made = load_settings(None, {"TIELINE_STATE": str(tmp_path), "TIELINE_TOPOLOGY": str(TOPOLOGY)})
    database = Database(made.database_url)
    create_schema(database)
    now = time.time()
    hour_ago = {"hangup_at": now - 3600, "arrived_at": now - 3610}
    calls = [
        turned_away(1, **hour_ago),
        turned_away(2, number="", **hour_ago),
        turned_away(3, number="+8659100005678", hangup_at=now - 90_000, arrived_at=now - 90_000),
        numbered(4, arrived_at=now - 600, hangup_at=now - 500),
    ]
    asyncio.run(Store(database).deliver(calls))
    database.close()
    return made


@pytest.fixture
def run(settings: Settings) -> Run:
    return lambda *words: CliRunner().invoke(refused, words, obj=settings)


def test_the_last_day_with_ticket_and_who_got_through(run: Run, settings: Settings) -> None:
    done = run("list", "--city", "fuzhou")
    assert done.exit_code == 0, done.output
    (line,) = done.stdout.splitlines()
    assert line.startswith("+8659100001234")
    assert " 1 time " in line
    assert " through 20" in line
    assert done.stderr == "1 refused calls did not show a number\n"
    database = Database(settings.database_url)
    with database.transaction(reading=True) as connection:
        assert [(one.action, one.subject) for one in fetch_audit(connection)] == [("refused.read", "city:fuzhou")]
    database.close()


def test_longer_ago_and_as_json(run: Run) -> None:
    found = json.loads(run("list", "--city", "fuzhou", "--since", "-2d", "--json").stdout)
    assert [(one["number"], one["times"], bool(one["ticket"])) for one in found["numbers"]] == [
        ("+8659100001234", 1, True),
        ("+8659100005678", 1, False),
    ]
    assert found["without_number"] == 1
    assert json.loads(run("list", "--city", "putian", "--json").stdout) == {"numbers": [], "without_number": 0}


@pytest.mark.parametrize("words", [("--city", "atlantis"), ("--city", "fuzhou", "--since", "long ago")])
def test_an_unknown_city_or_time_is_told(run: Run, words: tuple[str, ...]) -> None:
    done = run("list", *words)
    assert done.exit_code == 2
    assert "'atlantis' is not one of" in done.stderr or "'long ago' is no time" in done.stderr
