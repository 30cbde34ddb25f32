"""Every package of the tree is installed: one that is forgotten is missing only where Tieline is no checkout."""

import tomllib
from pathlib import Path

import pytest

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[2]
NOT_INSTALLED = ("tests", "tools")


def test_every_package_of_the_tree_is_installed() -> None:
    told = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]["packages"]
    found = {
        ".".join(path.parent.relative_to(ROOT).parts)
        for path in ROOT.rglob("__init__.py")
        if not path.relative_to(ROOT).parts[0].startswith((".", *NOT_INSTALLED))
    }
    assert sorted(told) == sorted(found)
