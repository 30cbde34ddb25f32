"""`tieline quota …` as an admin types it, on a real Redis."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from service.cli import main
from tests.support.redis_server import RedisServer
from tests.unit.trunk_config.network import EXAMPLES, FUZHOU, TOPOLOGY, version
from tieline import secrets_file
from tieline.database import Database
from tieline.live import Live
from tieline.principal import os_principal
from tieline.store import fetch_audit
from trunk_config import admission, cli_desk
from trunk_config.in_force import put_in_force

pytestmark = pytest.mark.component

Run = Callable[..., Result]
RISE = ("set", "fuzhou", "putian", "--reserve", "17", "--why", "wind", "ningde", "--reserve=15", "--cap", "50")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    secrets_file.generate(tmp_path / "secrets.toml")
    lines = (f'topology = "{EXAMPLES}/fujian.toml"', f'quotas = "{EXAMPLES}/quotas.toml"', f'state = "{tmp_path}"')
    (tmp_path / "settings.toml").write_text("\n".join(lines) + "\n")
    return tmp_path


@pytest.fixture
def run(home: Path, server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command; every site's Redis is the test's."""
    monkeypatch.setattr(cli_desk, "open_live", lambda *_, **__: Live(server.url))

    def command(*arguments: str, answer: str | None = None) -> Result:
        words = ["quota", "--settings", str(home / "settings.toml"), *arguments]
        return CliRunner().invoke(main, words, input=answer, env={"COLUMNS": "200"})

    asyncio.run(_prepare(server))
    return command


async def _prepare(server: RedisServer, *, quotas: bool = True) -> None:
    live = Live(server.url)
    await live.call("FLUSHALL")
    if quotas:
        await put_in_force(live, TOPOLOGY, version(), now=1.0)
        await live.call("HSET", admission.IN_USE, "fuzhou", 100, "putian", 12)
    await live.close()


def as_json(result: Result) -> Any:
    """What a command printed for machines."""
    assert result.exit_code in (0, 2), result.output
    return json.loads(result.stdout)


def audited(home: Path) -> list[tuple[str, str, str]]:
    """The audit trail, the oldest first."""
    database = Database(f"sqlite:///{home / 'tieline.sqlite'}")
    with database.transaction(reading=True) as connection:
        rows = [(row.action, row.who, row.why) for row in reversed(fetch_audit(connection))]
    database.close()
    return rows


def test_show_tells_how_a_site_stands(run: Run) -> None:
    shown = run("show", "fuzhou")
    assert shown.exit_code == 0, shown.output
    assert "fuzhou: version 1, profile normal" in shown.stdout
    assert "112 of 240 lines in use, 33 kept for cities below their reserve, 95 open to all" in shown.stdout
    row = next(line for line in shown.stdout.splitlines() if "putian" in line)
    assert [word for word in row.split() if word.isdigit()] == ["12", "11", "60", "60", "48"]
    told = as_json(run("show", "fuzhou", "--json"))
    assert (told["version"], told["installed"], told["in_use"], told["until"]) == (1, 1, 112, None)
    assert told["cities"][0] == {
        "city": "fuzhou", "in_use": 100, "reserve": 21, "cap": 120, "access": 120, "free": 20,
    }  # fmt: skip
    assert "xiamen: version 1" in run("show").stdout


def test_without_redis_show_tells_what_is_known(run: Run, server: RedisServer) -> None:
    server.stop()
    try:
        shown = run("show", "fuzhou")
        done = as_json(run("set", "fuzhou", "putian", "--reserve", "17", "--why", "wind", "--json"))
    finally:
        server.start()
    assert "in use unknown: the site's Redis does not answer" in shown.stdout
    assert (done["version"]["version"], done["in_force"]) == (2, False)


def test_several_cities_are_set_in_one_change_and_the_next_call_feels_it(
    run: Run, server: RedisServer, home: Path
) -> None:
    done = run(*RISE)
    assert done.exit_code == 0, done.output
    assert "fuzhou: version 2, profile normal, in force" in done.stdout
    assert "putian reserve 11 → 17\nningde reserve 11 → 15\nningde cap 60 → 50" in done.stdout

    async def installed() -> list[bytes]:
        live = Live(server.url)
        found: list[bytes] = await live.call("HMGET", admission.QUOTA, "version", "r:putian", "c:ningde")
        await live.close()
        return found

    assert asyncio.run(installed()) == [b"2", b"17", b"50"]
    assert audited(home)[-1] == ("quota.set", os_principal().name, "wind")
    assert "changed by hand" in run("show", "fuzhou").stdout


def test_a_redis_that_has_just_started_is_left_to_the_sites_keeper(run: Run, server: RedisServer) -> None:
    asyncio.run(_prepare(server, quotas=False))
    assert "the site's keeper puts it in force when Redis is there" in run(*RISE).stdout
    assert "NOT YET IN FORCE: the site's Redis has none" in run("show", "fuzhou").stdout


def test_a_profile_is_put_on_until_a_time_and_undone(run: Run, home: Path) -> None:
    done = as_json(run("profile", "fuzhou", "typhoon", "--why", "Maria", "--until", "+6h", "--yes", "--json"))
    assert (done["version"]["profile"], done["version"]["returns_to"], done["in_force"]) == ("typhoon", 1, True)
    assert "then the former one returns by itself" in run("show", "fuzhou").stdout
    assert "profile normal, in force" in run("undo", "fuzhou", "--why", "passed").stdout
    listed = as_json(run("history", "fuzhou", "--json"))
    assert [(one["version"], one["profile"], one["why"]) for one in listed[:2]] == [
        (3, "normal", "passed"), (2, "typhoon", "Maria"),
    ]  # fmt: skip
    shown = run("history", "fuzhou", "--newest", "2").stdout
    assert "fuzhou reserve 32 → 21" in shown
    assert [action for action, _, _ in audited(home)] == ["quota.first", "quota.profile", "quota.undo"]
    assert as_json(run("undo", "fuzhou", "--to", "2", "--why", "again", "--yes", "--json"))["version"]["version"] == 4
    names = [profile["name"] for profile in as_json(run("profiles", "fuzhou", "--json"))]
    assert names == ["normal", "typhoon", "take-over"]
    assert "13 / 60" in run("profiles", "fuzhou").stdout


def test_who_takes_half_of_a_share_is_asked(run: Run) -> None:
    halve = ("set", "fuzhou", "putian", "--cap", "30", "--why", "test")
    no = run(*halve, answer="n\n")
    assert (no.exit_code, "city putian: cap falls from 60 to 30, half or less" in no.stderr) == (2, True)
    assert run(*halve).exit_code == 2  # nobody is there to ask
    told = as_json(run(*halve, "--json"))
    assert (told["ok"], told["kind"]) == (False, "confirm")
    assert as_json(run("show", "fuzhou", "--json"))["version"] == 1
    assert "version 2" in run(*halve, answer="y\n").stdout
    assert "version 3" in run("set", "fuzhou", "putian", "--cap", "15", "--why", "test", "--yes").stdout


@pytest.mark.parametrize(
    ("words", "reasons"),
    [
        (("set", "fuzhou", "putian", "--reserve", "-4", "atlantis", "--cap", "3", "--until", "2020-01-01 12:00"),
         ("putian reserve: -4 is out of range", "atlantis: unknown city", "until: the end time is in the past")),
        (("set", "fuzhou", "putian", "--reserve", "many", "--most", "3"),
         ("'many' is no whole number", "--most: unknown option")),
        (("set", "taipei", "putian", "--reserve", "4"), ("site taipei: unknown site (use one of fuzhou, xiamen)",)),
        (("profile", "fuzhou", "sunshine"), ("unknown at fuzhou (use one of normal, typhoon, take-over)",)),
        (("undo", "fuzhou"), ("version 1 is the first",)),
        (("set", "fuzhou", "putian", "--reserve", "17", "--base", "7"), ("base 7: version 1 is in force",)),
    ],
)  # fmt: skip
def test_bad_input_is_refused_whole_with_every_reason_and_audited(
    run: Run, home: Path, words: tuple[str, ...], reasons: tuple[str, ...]
) -> None:
    refused = run(*words, "--why", "test")
    assert refused.exit_code == 2, refused.output
    for reason in reasons:
        assert reason in refused.stderr
    assert audited(home)[-1][:2] == ("quota.refuse", os_principal().name)
    told = as_json(run(*words, "--why", "test", "--json"))
    assert (told["ok"], len(told["problems"]) >= len(reasons)) == (False, True)
    assert as_json(run("show", "fuzhou", "--json"))["version"] == 1


def test_a_profile_of_the_file_that_names_a_missing_trunk_group_is_refused_and_audited(run: Run, home: Path) -> None:
    faulty = home / "quotas.toml"
    faulty.write_text((EXAMPLES / "quotas.toml").read_text().replace('"tg-xiamen"', '"tg-none"'))
    settings = home / "settings.toml"
    settings.write_text(settings.read_text().replace(f"{EXAMPLES}/quotas.toml", str(faulty)))
    refused = run("profile", "fuzhou", "take-over", "--why", "test")
    assert (refused.exit_code, "no trunk group `tg-none`" in refused.stderr) == (2, True), refused.output
    assert audited(home) == [("quota.refuse", os_principal().name, "")]
    assert run("show", "fuzhou").exit_code == 2
    assert len(audited(home)) == 1


def test_a_stale_base_shows_the_difference(run: Run) -> None:
    run(*RISE)
    told = as_json(run("set", "fuzhou", "putian", "--reserve", "18", "--why", "x", "--base", "1", "--json"))
    assert (told["kind"], told["newest"]) == ("stale_base", 2)
    assert told["difference"][0] == {"city": "putian", "share": "reserve", "before": 11, "after": 17}


def test_watch_looks_again_and_again(run: Run) -> None:
    lines = run("watch", "fuzhou", "--times", "2", "--json").stdout.splitlines()
    assert [json.loads(line)["site"] for line in lines] == [FUZHOU, FUZHOU]


def test_what_fails_ends_with_1(run: Run, home: Path) -> None:
    (home / "settings.toml").write_text(
        (home / "settings.toml").read_text() + 'database_url = "postgresql+psycopg://x@127.0.0.1:1/none"\n'
    )
    assert run("show").exit_code == 1  # nobody listens there
