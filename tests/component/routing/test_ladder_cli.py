"""`tieline route ladders …` as an admin types it."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from routing.ladder_desk import shipped
from service.cli import main
from tests.unit.trunk_config.network import EXAMPLES

pytestmark = pytest.mark.component

SHIPPED = shipped().text


@pytest.fixture
def home(tmp_path: Path) -> Path:
    lines = (f'topology = "{EXAMPLES}/fujian.toml"', f'agents = "{EXAMPLES}/agents.toml"', f'state = "{tmp_path}"')
    (tmp_path / "settings.toml").write_text("\n".join(lines) + "\n")
    (tmp_path / "slower.toml").write_text(SHIPPED.replace("after_s = 8\n", "after_s = 9\n"))
    (tmp_path / "wrong.toml").write_text(SHIPPED.replace("after_s = 8\n", 'after_s = "soon"\ncolour = "red"\n'))
    return tmp_path


def ladders(home: Path, *words: str) -> Result:
    command = ["route", "--settings", str(home / "settings.toml"), "ladders", *words]
    return CliRunner().invoke(main, command, env={"COLUMNS": "200"})


def as_json(result: Result) -> Any:
    return json.loads(result.stdout)


def test_a_file_is_checked_put_shown_and_undone(home: Path) -> None:
    slower = str(home / "slower.toml")
    assert ladders(home, "check", slower).exit_code == 0
    assert ladders(home, "show").stdout == SHIPPED
    done = ladders(home, "put", slower, "--why", "wind")
    assert (done.exit_code, "+after_s = 9" in done.stdout) == (0, True)
    assert ladders(home, "show").stdout == (home / "slower.toml").read_text()
    assert ladders(home, "show", "--version", "0").stdout == SHIPPED
    assert as_json(ladders(home, "undo", "--why", "calm", "--json"))["version"] == 2
    history = ladders(home, "history")
    assert [line for line in history.stdout.splitlines() if line.startswith("version")][-1].endswith(
        "tieline: ships with Tieline"
    )
    assert [version["version"] for version in as_json(ladders(home, "history", "--json"))] == [2, 1, 0]


@pytest.mark.parametrize("words", [("check",), ("put", "--why", "wind")])
def test_a_faulty_file_ends_with_2_and_every_reason(home: Path, words: tuple[str, ...]) -> None:
    refused = ladders(home, *words, str(home / "wrong.toml"))
    assert refused.exit_code == 2
    assert "after_s" in refused.stderr
    assert "colour" in refused.stderr
    problems = as_json(ladders(home, *words, str(home / "wrong.toml"), "--json"))["problems"]
    assert len(problems) == 2
    assert as_json(ladders(home, "show", "--json"))["version"] == 0


def test_a_stale_base_shows_the_difference(home: Path) -> None:
    ladders(home, "put", str(home / "slower.toml"), "--why", "wind")
    refused = as_json(ladders(home, "undo", "--why", "calm", "--base", "0", "--json"))
    assert (refused["kind"], refused["newest"]) == ("stale_base", 1)
    assert "+after_s = 9" in refused["difference"]
