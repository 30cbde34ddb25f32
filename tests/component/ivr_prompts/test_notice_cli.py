"""`tieline notice …` as an admin types it, and what it leaves in SQL."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ivr_prompts import store
from ivr_prompts.notice import load_causes
from ivr_prompts.notice_cli import notice
from ivr_prompts.notice_desk import NoticeDesk
from tests.support.postgres_server import postgres, postgres_url
from tieline.database import Database, create_schema
from tieline.principal import Principal, Role
from tieline.refused import Refused
from tieline.settings import Settings, load_settings
from tieline.store import fetch_audit
from tieline.topology_file import load_topology

pytestmark = pytest.mark.component

__all__ = ["postgres", "postgres_url"]

TOPOLOGY = Path(__file__).parents[3] / "examples" / "fujian.toml"
ME = Principal(role=Role.OPERATOR, city=None, site=None, name="li")
NOW = 1_795_250_000.0

Run = Callable[..., Result]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(None, {"TIELINE_STATE": str(tmp_path), "TIELINE_TOPOLOGY": str(TOPOLOGY)})


@pytest.fixture
def run(settings: Settings) -> Run:
    return lambda *words: CliRunner().invoke(notice, words, obj=settings)


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """Give an empty database with our schema, once of each kind."""
    sqlite = request.param == "sqlite"
    made = Database(f"sqlite:///{tmp_path / 'x.db'}" if sqlite else request.getfixturevalue("postgres_url"))
    create_schema(made)
    yield made
    made.close()


def desk(database: Database, now: float = NOW) -> NoticeDesk:
    return NoticeDesk(database, load_topology(TOPOLOGY), load_causes(), clock=lambda: now)


def test_sets_lists_and_clears(run: Run) -> None:
    made = run("set", "fuzhou", "--county", "gulou", "--cause", "storm", "--until", "+3h", "--json")
    assert made.exit_code == 0, made.output
    told = json.loads(made.stdout)
    assert (told["city"], told["county"], told["cause"]) == ("fuzhou", "gulou", "storm")
    assert told["until"] - told["since"] == pytest.approx(3 * 3600, abs=1)
    assert run("set", "putian", "--cause", "typhoon", "--until", "+7d").exit_code == 0
    assert [line.split()[:2] for line in run("list").stdout.splitlines()] == [
        ["fuzhou/gulou", "storm"],
        ["putian", "typhoon"],
    ]
    assert [found["city"] for found in json.loads(run("list", "--json").stdout)] == ["fuzhou", "putian"]
    assert run("clear", "fuzhou", "--county", "gulou").exit_code == 0
    assert [found["city"] for found in json.loads(run("list", "--json").stdout)] == ["putian"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("set", "atlantis", "--cause", "storm", "--until", "+1h"), ["city: unknown city 'atlantis'"]),
        (
            ("set", "fuzhou", "--county", "siming", "--cause", "magic", "--until", "2020-01-01 00:00"),
            [
                "county: fuzhou has no county 'siming'",
                "cause: unknown cause 'magic'",
                "until: the end is in the past",
            ],
        ),
        (("set", "fuzhou", "--cause", "storm", "--until", "+8d"), ["until: the end is more than 7 days away"]),
        (("set", "fuzhou", "--cause", "storm", "--until", "soon"), ["until: 'soon' is no time: write `18:30`"]),
        (("clear", "fuzhou"), ["fuzhou: there is no notice"]),
        (("clear", "fuzhou", "--county", "nowhere"), ["county: fuzhou has no county 'nowhere'"]),
    ],
)
def test_what_is_wrong_is_refused_whole_told_and_audited(
    run: Run, settings: Settings, words: tuple[str, ...], told: list[str]
) -> None:
    done = run(*words)
    assert (done.exit_code, done.stdout) == (2, "")
    assert [line.strip()[: len(what)] for line, what in zip(done.stderr.splitlines()[1:], told, strict=True)] == told
    as_json = json.loads(run(*words, "--json").stdout)
    assert (as_json["ok"], len(as_json["problems"])) == (False, len(told))
    database = Database(settings.database_url)
    with database.transaction(reading=True) as connection:
        assert store.fetch_notices(connection, 0.0) == []
        line = fetch_audit(connection, newest=1)[0]
    database.close()
    assert line.action == "notice.refuse"
    assert [problem[: len(what)] for problem, what in zip(line.after["problems"], told, strict=True)] == told


def test_a_newer_notice_takes_the_place_and_both_are_in_the_audit(database: Database) -> None:
    desk(database).set("fuzhou", "", cause="storm", until=NOW + 3600, by=ME)
    newer = desk(database, NOW + 60).set("fuzhou", "", cause="flood", until=NOW + 7200, by=ME)
    assert desk(database, NOW + 60).all() == [newer]
    with database.transaction(reading=True) as connection:
        last = fetch_audit(connection, subject="place:fuzhou", newest=1)[0]
    assert (last.who, last.action, last.before["cause"], last.after["cause"]) == (
        "li",
        "notice.set",
        "storm",
        "flood",
    )


def test_two_who_write_the_same_place_at_once_both_succeed(database: Database) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(
            pool.map(lambda n: desk(database).set("fuzhou", "", cause="storm", until=NOW + 60 + n, by=ME), range(24))
        )
    (kept,) = desk(database).all()
    assert kept in made
    with database.transaction(reading=True) as connection:
        assert len(fetch_audit(connection, subject="place:fuzhou")) == len(made)


def test_a_notice_is_gone_at_its_end(database: Database) -> None:
    desk(database).set("fuzhou", "mawei", cause="ice", until=NOW + 60, by=ME)
    assert [found.key for found in desk(database, NOW + 59.9).all()] == ["fuzhou/mawei"]
    assert desk(database, NOW + 60).all() == []


@pytest.mark.parametrize("until", [float("nan"), float("inf"), -1.0, 1e300])
def test_an_end_that_is_no_time_changes_nothing(database: Database, until: float) -> None:
    with pytest.raises(Refused, match="until: the end is"):
        desk(database).set("fuzhou\x00", "\ud800", cause="\x00", until=until, by=ME)
    assert desk(database).all() == []
