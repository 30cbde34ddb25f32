"""The real espeak-ng and sox, and one build of all sounds that the tests share."""

import os
import shutil
from pathlib import Path

import pytest

from ivr_prompts.build import build
from ivr_prompts.texts import load_texts
from ivr_prompts.tools import ToolRunner


@pytest.fixture(scope="session")
def root() -> Path:
    """Give the private root: TIELINE_ROOT, or `.tieline/root`. Without one the tests fail, they do not skip."""
    named = os.environ.get("TIELINE_ROOT")
    found = Path(named).resolve() if named else Path(__file__).parents[3] / ".tieline" / "root"
    assert (found / "usr" / "bin" / "espeak-ng").exists(), f"no private root with espeak-ng at {found}"
    return found


@pytest.fixture(scope="session")
def tools(root: Path) -> ToolRunner:
    return ToolRunner.in_root(root)


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory, tools: ToolRunner) -> Path:
    """Give a sounds directory with everything built. Tests only read it."""
    sounds = tmp_path_factory.mktemp("sounds")
    build(load_texts(), sounds, tools)
    return sounds


@pytest.fixture
def sounds(built: Path, tmp_path: Path) -> Path:
    """Give a copy of the built sounds that a test may change."""
    copy = tmp_path / "sounds"
    shutil.copytree(built, copy)
    return copy
