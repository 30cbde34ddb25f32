"""A bad topology file is refused with all its faults at once, each with line, reason and mending.

After a wanted change: `TIELINE_GOLDEN=write pytest tests/golden/tieline`, then read the diff.
"""

import os
import re
from pathlib import Path

import pytest

from tieline.errors import ConfigError
from tieline.topology_file import load_topology

pytestmark = pytest.mark.golden

HERE = Path(__file__).parent


def _refusal() -> ConfigError:
    with pytest.raises(ConfigError) as refused:
        load_topology(HERE / "bad.toml")
    return refused.value


def test_every_fault_is_named_at_once() -> None:
    found = "".join(f"{problem}\n" for problem in _refusal().problems)
    if os.environ.get("TIELINE_GOLDEN") == "write":
        (HERE / "bad.txt").write_text(found)
    assert found == (HERE / "bad.txt").read_text()


def test_every_fault_points_at_its_line() -> None:
    """What is named must stand in the line named, or in the one after a table's head; a missing key has the head."""
    source = [*(HERE / "bad.toml").read_text().splitlines(), ""]
    for problem in _refusal().problems:
        place = re.fullmatch(r"bad\.toml:(\d+) (.+)", problem.where)
        assert place, problem
        line, after = source[int(place[1]) - 1 : int(place[1]) + 1]
        named = re.split(r"[\[\].]+", re.sub(r"\[\d+\]$", "", place[2]).rstrip("]"))[-1]
        head = line.startswith("[")
        assert named in line or (head and (named in after or "missing" in problem.what)), problem


def test_every_fault_says_how_to_mend_it() -> None:
    assert all(problem.mend for problem in _refusal().problems)
