"""Every test of the server runs on uvloop and on the stock loop. A site's parts on a real Redis for the scripts."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from pathlib import Path

import pytest
import uvloop

from agi.scripts.parts import Parts
from agi.scripts.situation import Situation
from agi.scripts.voice import Voice
from crm_adapter.journal import Journal
from ivr_prompts.menus import load_menus
from ivr_prompts.waiting import load_waiting
from routing.callback_rules import load_callback_rules
from routing.hours import load_hours
from tests.support.redis_server import RedisServer, redis_server
from tests.unit.ivr_prompts.worlds import UNBUILT
from tieline.live import Live
from tieline.model import CityId, SiteId
from tieline.numbers import load_number_plan
from tieline.topology_file import load_topology
from trunk_config.decision_times import DecisionTimes
from trunk_config.quota import Allowances

TOPOLOGY = load_topology(Path(__file__).parents[3] / "examples" / "fujian.toml")
FUZHOU, SITE = CityId("fuzhou"), SiteId("fuzhou")
NOW = 1_795_250_000.0


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Name both loops; pytest-asyncio runs each test of this folder on each."""
    return {"asyncio": asyncio.SelectorEventLoop, "uvloop": uvloop.new_event_loop}


@pytest.fixture(scope="module")
def redis() -> Iterator[RedisServer]:
    with redis_server() as server:
        yield server


@pytest.fixture
async def parts(redis: RedisServer, tmp_path: Path) -> AsyncIterator[Parts]:
    live, journal = Live(redis.url), Journal(tmp_path, "test")
    await live.call("FLUSHALL")
    yield Parts(
        site=SITE,
        topology=TOPOLOGY,
        live=live,
        allowances=Allowances(messages=1, safety_lines=1),
        decision_times=DecisionTimes(),
        journal=journal,
        voice=Voice(UNBUILT, load_menus(UNBUILT.texts), load_waiting(), Path("/sounds")),
        situation=Situation(live, {}),
        hours=load_hours(NOW),
        callback=load_callback_rules(),
        callers={},
        numbers=load_number_plan(TOPOLOGY.cities.values()),
        clock=lambda: NOW,
    )
    await live.close()
    await journal.close()
