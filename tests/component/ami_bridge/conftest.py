"""A node for the tests of the bridge."""

from collections.abc import AsyncIterator

import pytest

from tests.component.ami_bridge.scripted_ami import ScriptedAmi, scripted_ami


@pytest.fixture
async def peer() -> AsyncIterator[ScriptedAmi]:
    async with scripted_ami() as one:
        yield one
