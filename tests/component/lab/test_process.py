"""Starting a program that cannot be started."""

from pathlib import Path

import pytest

from lab.errors import LabError
from lab.parts import Exits, Part
from lab.process import launch
from lab.sandbox import Sandbox

pytestmark = pytest.mark.component


async def test_a_program_of_the_host_that_cannot_be_started_is_named(tmp_path: Path) -> None:
    part = Part(
        name="python",
        argv=("true",),
        ready=Exits(),
        log=str(tmp_path / "python.log"),
        in_root=False,
        environment={"PATH": str(tmp_path)},
    )
    with pytest.raises(LabError, match=r"python: .*setpriv"):
        await launch(part, Sandbox(tmp_path))
