"""`tieline token …` as an admin types it."""

import asyncio
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tieline.cli import token
from tieline.clock import iso_china
from tieline.database import Database
from tieline.principal import Role, os_principal
from tieline.settings import Settings, load_settings
from tieline.store import fetch_audit, fetch_tokens
from tieline.tokens import Tokens

pytestmark = pytest.mark.component

TOPOLOGY = Path(__file__).parents[3] / "examples" / "fujian.toml"

Run = Callable[..., Result]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(None, {"TIELINE_STATE": str(tmp_path), "TIELINE_TOPOLOGY": str(TOPOLOGY)})


@pytest.fixture
def run(settings: Settings) -> Run:
    return lambda *arguments: CliRunner().invoke(token, arguments, obj=settings)


def test_makes_lists_and_revokes(run: Run, settings: Settings) -> None:
    made = run("new", "--role", "monitor", "--name", "wall", "--city", "fuzhou", "--site", "xiamen")
    assert made.exit_code == 0
    text = made.stdout.strip()
    token_id = re.search(r"id ([0-9a-f]{8})", made.stderr)[1]  # type: ignore[index]
    database = Database(settings.database_url)
    principal = asyncio.run(Tokens(database).verify(text))
    assert (principal.role, principal.city, principal.site, principal.name) == (
        Role.MONITOR,
        "fuzhou",
        "xiamen",
        "wall",
    )
    listed = run("list")
    with database.transaction(reading=True) as connection:
        [row] = fetch_tokens(connection)
    assert re.search(rf"{token_id}  monitor     fuzhou .* {iso_china(row.made_at)}  valid  wall", listed.stdout)
    assert text not in listed.output
    assert run("revoke", token_id, "--why", "moved").stdout == f"revoked {token_id}\n"
    assert "revoked 2" in run("list").stdout
    again = run("revoke", token_id)
    assert again.exit_code == 1
    assert f"no valid token has the id {token_id}" in again.stderr
    with database.transaction(reading=True) as connection:
        assert [(row.who, row.action) for row in fetch_audit(connection)] == [
            (os_principal().name, "token.revoke"),
            (os_principal().name, "token.new"),
        ]
    database.close()


def test_speaks_json(run: Run) -> None:
    made = json.loads(run("new", "--role", "admin", "--name", "林", "--json").stdout)
    (row,) = json.loads(run("list", "--json").stdout)
    assert made["token"].startswith("tl1_")
    assert (row["id"], row["name"], row["city"], row["revoked_at"]) == (made["id"], "林", None, None)
    assert "hash" not in row


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--role", "king", "--name", "x"], "'king' is not one of"),
        (["--role", "admin"], "Missing option '--name'"),
        (["--role", "admin", "--name", "x\ny"], "printable name"),
        (["--role", "admin", "--name", "x", "--city", "wuhan"], "--city: unknown: wuhan (use one of fuzhou, putian"),
        (
            ["--role", "admin", "--name", "x", "--site", "putian"],
            "--site: unknown: putian (use one of fuzhou, xiamen",
        ),
    ],
)
def test_refuses_with_a_reason(run: Run, arguments: list[str], message: str) -> None:
    refused = run("new", *arguments)
    assert refused.exit_code != 0
    assert message in refused.stderr
    assert json.loads(run("list", "--json").stdout) == []


def test_a_database_that_is_not_there_is_one_line(settings: Settings) -> None:
    away = load_settings(
        None,
        {"TIELINE_DATABASE_URL": "postgresql+psycopg://u:geheim@/x?host=/nowhere", "TIELINE_TOPOLOGY": str(TOPOLOGY)},
    )
    refused = CliRunner().invoke(token, ["list"], obj=away)
    assert refused.exit_code == 1
    assert refused.stderr.startswith("tieline: database: ")
    assert "geheim" not in refused.output
