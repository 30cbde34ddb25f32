"""`tieline callback list`: by place, open or all, and audited."""

import json
import time
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from routing.callback import State, ended
from routing.callback_cli import callback
from routing.store import put_callback
from tests.unit.routing.test_callback import ENTRY, RULES
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
    done = CliRunner().invoke(callback, words, obj=settings)
    assert done.exit_code == 0, done.output
    return done.output


def audited(settings: Settings) -> list[tuple[str, str, str]]:
    database = Database(settings.database_url)
    with database.transaction(reading=True) as connection:
        rows = [(row.action, row.subject, row.why) for row in fetch_audit(connection)]
    database.close()
    return rows


def test_open_entries_are_listed_by_place(settings: Settings) -> None:
    lines = run(settings, "list").splitlines()
    assert [line.split()[2] for line in lines] == ["+8615405910000", "+8615405910001"]
    assert "hung_up" in lines[1]
    assert ("now" in lines[1]) is RULES.permitted(time.time())


def test_all_of_them_as_json_and_each_reading_is_audited(settings: Settings) -> None:
    found = json.loads(run(settings, "list", "--all", "--json"))
    assert [entry["state"] for entry in found] == ["reached", "open", "open"]
    assert audited(settings) == [("callback.read", "callback:all", "")]


def test_who_calls_back_notes_what_came_of_it(settings: Settings) -> None:
    assert "1 in vain, next try not before" in run(settings, "tried", "fuzhou-1:0")
    assert "reached" in run(settings, "reached", "fuzhou-1:0")
    entry = json.loads(run(settings, "cancel", ENTRY.call_id, "--why", "has light again", "--json"))
    assert (entry["call_id"], entry["state"]) == (ENTRY.call_id, "cancelled")
    assert run(settings, "list") == "nobody is to be called back\n"
    assert audited(settings)[1:] == [
        ("callback.cancelled", f"call:{ENTRY.call_id}", "has light again"),
        ("callback.reached", "call:fuzhou-1:0", ""),
        ("callback.tried", "call:fuzhou-1:0", ""),
    ]


@pytest.mark.parametrize("call", ["fuzhou-1:9", "nobody"])
def test_what_has_ended_or_never_was_is_refused_and_not_audited(settings: Settings, call: str) -> None:
    done = CliRunner().invoke(callback, ["reached", call], obj=settings)
    assert done.exit_code == 1
    assert "nobody is to be called back" in done.output
    assert audited(settings) == []
    told = CliRunner().invoke(callback, ["reached", call, "--json"], obj=settings)
    assert told.exit_code == 1
    assert json.loads(told.output)["ok"] is False
