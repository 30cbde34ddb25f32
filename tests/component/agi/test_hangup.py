"""The hang-up script on a real Redis: the record is on disk, the bus is told, and the line is free at once."""

from pathlib import Path

import pytest

from agi.request import Request
from agi.scripts import hangup
from agi.scripts.parts import Parts
from agi.session import Session
from tests.component.agi.conftest import FUZHOU, NOW, SITE, TOPOLOGY
from tests.support.redis_server import RedisServer
from tieline import bus
from tieline.live import EVENTS
from tieline.variables import BETWEEN, FACTS
from trunk_config.admission import LINES, MESSAGES, admit, in_use, install
from trunk_config.quota import Allowances, Quota, site_quotas

pytestmark = pytest.mark.component

UNIQUEID = "fuzhou-1-1795250000.{}"


async def take(parts: Parts, number: int) -> None:
    """Let a channel ask for a line: the first one gets the only one, the next hears a message."""
    await admit(
        parts.live,
        uniqueid=UNIQUEID.format(number),
        city=FUZHOU,
        number="",
        allowances=Allowances(),
        now=NOW,
        deadline_s=2,
    )


async def hang_up(parts: Parts, number: int) -> None:
    facts = {"TL_CALL": f"fuzhou-1:{number}", "TL_CITY": "fuzhou", "TL_ARRIVED": f"{NOW - 9:.3f}"}
    headers = {"agi_uniqueid": UNIQUEID.format(number), "agi_channel": f"PJSIP/edge-{number}"}
    arguments = {"agi_arg_1": BETWEEN.join(facts.get(name, "") for name in FACTS)}
    await hangup.run(parts, Session(Request({**headers, **arguments}), lambda _, __: None, dead_channel=True))


def written(directory: Path) -> list[str]:
    """Give the lines on disk."""
    return [line for path in directory.glob("*.jsonl") for line in path.read_text().splitlines()]


async def test_the_line_and_the_place_among_the_messages_are_free_without_the_bridge(parts: Parts) -> None:
    await install(parts.live, 1, "normal", site_quotas(TOPOLOGY, SITE, {FUZHOU: Quota(0, 1)}))
    await take(parts, 1)
    await take(parts, 2)
    assert await in_use(parts.live) == {FUZHOU: 1}
    await hang_up(parts, 1)
    await hang_up(parts, 2)
    assert await in_use(parts.live) == {FUZHOU: 0}
    assert [await parts.live.call("EXISTS", key) for key in (LINES, MESSAGES)] == [0, 0]
    told = [bus.decode_event(raw) for _, raw in await parts.live.read(EVENTS, "0-0", block_ms=10)]
    assert [event.call_id for event in told if isinstance(event, bus.CallJournalled)] == ["fuzhou-1:1", "fuzhou-1:2"]


async def test_without_redis_the_record_is_written_all_the_same(
    parts: Parts, redis: RedisServer, tmp_path: Path
) -> None:
    redis.stop()
    try:
        await hang_up(parts, 1)
    finally:
        redis.start()
    assert len(written(tmp_path)) == 1
