"""`tools/bootstrap.sh packages`, the first thing that `make` runs: what somebody who is not root is told."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.component

SCRIPT = Path(__file__).parents[3] / "tools" / "bootstrap.sh"


def program(folder: Path, name: str, text: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def run_as(uid: int, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run it as a user whom no system knows, with an apt-get that only leaves a trace."""
    program(folder, "id", f"case $1 in -u) echo {uid};; -un) echo nobody-at-all;; esac")
    program(folder, "apt-get", f"echo called >> {folder}/apt")
    path = f"{folder}:{os.environ['PATH']}"
    return subprocess.run(
        ["sh", SCRIPT, "packages"],
        capture_output=True,
        text=True,
        check=False,
        timeout=20,
        env={"PATH": path, "PYTHON": sys.executable, **environment},
    )


def test_who_is_not_root_is_told_the_one_sudo_line_and_nothing_is_done(tmp_path: Path) -> None:
    done = run_as(1000, tmp_path)
    first, line = done.stderr.splitlines()
    assert (done.returncode, done.stdout, first.endswith("run the same command again:")) == (1, "", True)
    assert line.startswith("  sudo sh -c '")
    assert "usermod --add-subuids 100000-165535 --add-subgids 100000-165535 nobody-at-all" in line
    assert not (tmp_path / "apt").exists()


def test_a_missing_python_is_among_the_packages_of_that_line(tmp_path: Path) -> None:
    done = run_as(1000, tmp_path, PYTHON="no-such-python")
    assert (done.returncode, "apt-get install --no-install-recommends -y" in done.stderr) == (1, True)
    assert " python3 python3-venv " in done.stderr


def test_an_old_python_is_refused_with_the_way_to_name_another(tmp_path: Path) -> None:
    program(tmp_path, "old-python", 'case "$2" in *version_info*) exit 1;; esac')
    done = run_as(0, tmp_path, PYTHON=str(tmp_path / "old-python"))
    assert (done.returncode, "older (set PYTHON=...)" in done.stderr) == (1, True)
