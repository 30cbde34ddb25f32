"""The rooms: imports go down only, third-party clients have one door each."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

pytestmark = pytest.mark.unit

ROOT = Path(__file__).resolve().parents[2]
MIDDLE = {"routing", "trunk_config", "ivr_prompts", "crm_adapter"}
MAY_IMPORT = {
    "tieline": set(),
    **{room: {"tieline"} for room in MIDDLE},
    "ami_bridge": {"tieline"},
    "agi": {"tieline", *MIDDLE},
    "console": {"tieline", *MIDDLE},
    "service": {"tieline", "ami_bridge", "agi", "console", *MIDDLE},
    "lab": {"tieline", "ami_bridge", "agi", "console", *MIDDLE},
    "bench": {"tieline", "ami_bridge", "agi", "console", "lab", *MIDDLE},
}
DOORS = {
    "panoramisk": {"ami_bridge/client.py"},
    "asterisk": {"agi/stdio_hangup.py"},
    "phonenumbers": {"tieline/numbers.py"},
    "redis": {"tieline/redis_link.py"},
    "hiredis": {"tieline/redis_link.py"},
    "matplotlib": {"trunk_config/forecast_plot.py"},
}


@cache
def imports_of(path: Path) -> tuple[str, ...]:
    return tuple(_imported(ast.parse(path.read_text(encoding="utf-8"))))


def _imported(module: ast.Module) -> Iterator[str]:
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module


def files_of(room: str) -> list[Path]:
    return sorted((ROOT / room).rglob("*.py"))


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_imports_go_down_only(room: str) -> None:
    files = files_of(room)
    assert files
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in files
        for name in imports_of(path)
        if (top := name.split(".")[0]) in MAY_IMPORT and top != room and top not in MAY_IMPORT[room]
    ]
    assert wrong == []


@pytest.mark.parametrize("client", DOORS)
def test_a_third_party_client_has_one_door(client: str) -> None:
    users = {
        str(path.relative_to(ROOT))
        for room in MAY_IMPORT
        if room != "bench"
        for path in files_of(room)
        for name in imports_of(path)
        if name.split(".")[0] == client
    }
    assert users == DOORS[client]


def test_sql_stays_in_the_stores() -> None:
    users = {
        str(path.relative_to(ROOT))
        for room in MAY_IMPORT
        if room != "bench"
        for path in files_of(room)
        for name in imports_of(path)
        if name.split(".")[0] == "sqlalchemy"
    }
    allowed = {"tieline/database.py", *(f"{room}/store.py" for room in MAY_IMPORT)}
    assert users
    assert users <= allowed
