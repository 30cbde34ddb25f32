"""What a process imports: no part that it does not run, and for the schema every table there is."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.component

ROOT = Path(__file__).resolve().parents[3]
STORES = ", ".join(f"{path.parent.name}.store" for path in ROOT.glob("*/store.py"))


def words_of(code: str) -> set[str]:
    """Run code in a Python of its own; gives the words it prints."""
    command = [sys.executable, "-c", f"import sys\n{code}"]
    return set(subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split())


def test_a_process_has_no_part_before_it_starts_one() -> None:
    imported = words_of("import service.cli, service.serve\nprint(*sys.modules)")
    assert "service.context" in imported
    assert imported.isdisjoint(
        ["agi", "ami_bridge", "console", "crm_adapter", "sqlalchemy", "aiohttp", "phonenumbers"]
    )


COMMANDS = {"lab.cli", "lab.commands", "bench.cli", "trunk_config.cli", "ivr_prompts.cli", "sqlalchemy"}


@pytest.mark.parametrize(
    ("command", "needs"),
    [
        ([], {"lab.cli", "bench.cli"}),
        (["quota"], {"trunk_config.cli", "sqlalchemy"}),
        (["prompts"], {"ivr_prompts.cli"}),
        (["lab"], {"lab.cli", "lab.commands", "sqlalchemy"}),
    ],
)
def test_help_imports_only_the_commands_that_it_lists(command: list[str], needs: set[str]) -> None:
    ask = f"from service.cli import main\nmain({[*command, '--help']}, standalone_mode=False)\nprint(*sys.modules)"
    assert words_of(ask) & COMMANDS == needs


def test_the_part_that_makes_the_schema_knows_every_table() -> None:
    tell = "from tieline.database import metadata\nprint(*metadata.tables)"
    every = words_of(f"import {STORES}\n{tell}")
    assert len(every) > 10
    assert words_of(f"import service.parts.tickets\n{tell}") == every
