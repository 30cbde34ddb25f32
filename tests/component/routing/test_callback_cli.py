"""`tieline callback list`: by place, open or all, and audited."""

import json
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from routing.callback import State, ended
from routing.callback_cli import callback
from routing.store import put_callback
from tests.unit.routing.test_callback import ENTRY
from tieline.database import Database, create_schema
from tieline.settings import Settings, load_settings
from tieline.store import fetch_audit

pytestmark = pytest.mark.component


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    made = load_settings(None, {"TIELINE_STATE": str(tmp_path)})
    database = Database(made.database_url)
    create_schema(database)
    earlier = msgspec.structs.replace(ENTRY, call_id="fuzhou-1:0", number="+8615405910000", since=ENTRY.since - 60)
    done = msgspec.structs.replace(ENTRY, call_id="fuzhou-1:9", number="+8615405910009", since=ENTRY.since - 90)
    with database.transaction() as connection:
        for entry in (ENTRY, earlier, ended(done, State.REACHED, ENTRY.made_at)):
            put_callback(connection, entry)
    database.close()
    return made


def run(settings: Settings, *words: str) -> str:
    done = CliRunner().invoke(callback, ["list", *words], obj=settings)
    assert done.exit_code == 0, done.output
    return done.output


def test_open_entries_are_listed_by_place(settings: Settings) -> None:
    lines = run(settings).splitlines()
    assert [line.split()[2] for line in lines] == ["+8615405910000", "+8615405910001"]
    assert "hung_up" in lines[1]
    assert "open" in lines[1]


def test_all_of_them_as_json_and_each_reading_is_audited(settings: Settings) -> None:
    found = json.loads(run(settings, "--all", "--json"))
    assert [entry["state"] for entry in found] == ["reached", "open", "open"]
    database = Database(settings.database_url)
    with database.transaction(reading=True) as connection:
        assert [(row.action, row.subject) for row in fetch_audit(connection)] == [("callback.read", "callback:all")]
    database.close()
