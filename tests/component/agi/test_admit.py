"""The admit script on a real Redis: what the dialplan is told, what the bus is told, what is counted."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from agi.request import Request
from agi.scripts import admit
from agi.scripts.parts import Parts
from agi.scripts.situation import Situation
from agi.session import Session
from ivr_prompts.notice import Notice
from ivr_prompts.notice_live import write_copy
from tieline import bus
from tieline.live import EVENTS
from tieline.model import CityId, SiteId
from tieline.topology_file import load_topology
from tieline.variables import BETWEEN
from trunk_config.admission import install, set_safety_numbers
from trunk_config.quota import Allowances, Quota, site_quotas
from trunk_config.surge import State
from trunk_config.surge_live import write_states
from trunk_config.surge_rules import Effect

pytestmark = pytest.mark.component

TOPOLOGY = load_topology(Path(__file__).parents[3] / "examples" / "fujian.toml")
FUZHOU, SITE = CityId("fuzhou"), SiteId("fuzhou")
NOW = 1_795_250_000.0
SAFE = "+8659100001234"


async def allow(parts: Parts, lines: int) -> None:
    quotas = site_quotas(TOPOLOGY, SITE, {FUZHOU: Quota(0, lines)})
    await install(parts.live, 7, "normal", quotas)


async def call(parts: Parts, number: int, caller: str = "059100009999") -> Mapping[str, str]:
    arguments = {"agi_arg_1": BETWEEN.join((f"fuzhou-1:{number}", "fuzhou", "tg-fuzhou"))}
    headers = {"agi_uniqueid": f"fuzhou-1-1795250000.{number}", "agi_channel": f"PJSIP/edge-{number}"}
    request = Request({**headers, **arguments, "agi_callerid": caller})
    return await admit.run(parts, Session(request, lambda _, __: None, dead_channel=False))


async def arrived(parts: Parts) -> list[bus.CallArrived]:
    told = [bus.decode_event(raw) for _, raw in await parts.live.read(EVENTS, "0-0", block_ms=10)]
    return [event for event in told if isinstance(event, bus.CallArrived)]


def decisions(parts: Parts) -> dict[str, int]:
    return {verdict: sum(times.counts) for verdict, times in parts.decision_times.picture().items() if times.total}


async def test_admitted_then_refused_with_a_message_then_without(parts: Parts) -> None:
    await allow(parts, 1)
    first, second, third = [await call(parts, number) for number in (1, 2, 3)]
    assert (first["TL_VERDICT"], first["TL_QUOTA"], first["TL_USED"]) == ("admit", "7", "1")
    assert first["TL_NUMBER"] == "+8659100009999"
    assert "TL_REFUSED" not in first
    for refused in (second, third):
        assert (refused["TL_VERDICT"], refused["TL_REFUSED"], refused["TL_USED"]) == ("refuse", "34", "1")
    assert second["TL_SAY"].startswith("/sounds/")
    assert third["TL_SAY"] == ""
    told = [
        (one.verdict, one.refused_cause, one.trunk, one.quota_version, one.lines_in_use)
        for one in await arrived(parts)
    ]
    assert told == [
        ("admit", 0, "tg-fuzhou", 7, 1),
        ("message", 34, "tg-fuzhou", 7, 1),
        ("silent", 34, "tg-fuzhou", 7, 1),
    ]
    assert decisions(parts) == {"admit": 1, "message": 1, "silent": 1}


async def test_who_is_below_his_reserve_hears_that_the_platform_is_full(parts: Parts) -> None:
    effects = {State.SURGE: Effect("refuse_surge", short_menu=True)}
    parts = replace(parts, situation=Situation(parts.live, effects))
    surge = bus.SurgeChanged(at=NOW, city="fuzhou", state="surge", calls=99, usual=9.0)
    await write_states(parts.live, {FUZHOU: surge})
    await parts.situation.look()
    quotas = site_quotas(TOPOLOGY, SITE, {FUZHOU: Quota(2, 9)})
    await install(parts.live, 7, "normal", replace(quotas, lines=1))
    await call(parts, 1)
    refused = await call(parts, 2)
    assert (refused["TL_VERDICT"], refused["TL_REFUSED"], refused["TL_USED"]) == ("refuse", "42", "1")
    assert "mandarin/refuse_platform" in refused["TL_SAY"]
    assert [event.refused_cause for event in await arrived(parts)] == [0, 42]


async def test_a_number_of_the_life_safety_list_is_admitted_and_told_as_such(parts: Parts) -> None:
    await allow(parts, 0)
    await set_safety_numbers(parts.live, [SAFE])
    assert (await call(parts, 1, "059100001234"))["TL_VERDICT"] == "admit"
    [told] = await arrived(parts)
    assert (told.verdict, told.refused_cause, told.number) == ("safety", 0, SAFE)


async def test_without_quotas_the_node_decides_and_nothing_is_told(parts: Parts) -> None:
    answer = await call(parts, 1)
    assert answer["TL_VERDICT"] == "group"
    assert "TL_QUOTA" not in answer  # the node's own: the version its caps are of
    assert await arrived(parts) == []
    assert decisions(parts) == {"group": 1}


async def test_what_was_decided_stands_though_the_bus_does_not_hear_of_it(parts: Parts) -> None:
    await allow(parts, 1)
    await parts.live.call("SET", EVENTS, "no stream")
    assert [(await call(parts, number))["TL_VERDICT"] for number in (1, 2)] == ["admit", "refuse"]
    assert decisions(parts) == {"admit": 1, "message": 1}


async def test_a_refused_caller_is_told_what_the_moment_is(parts: Parts) -> None:
    effects = {State.SURGE: Effect("refuse_surge", short_menu=True)}
    parts = replace(
        parts, situation=Situation(parts.live, effects), allowances=Allowances(messages=9, safety_lines=1)
    )
    await allow(parts, 0)
    said = [(await call(parts, 1))["TL_SAY"]]
    surge = bus.SurgeChanged(at=NOW, city="fuzhou", state="surge", calls=99, usual=9.0)
    await write_states(parts.live, {FUZHOU: surge})
    await parts.situation.look()
    said.append((await call(parts, 2))["TL_SAY"])
    storm = Notice(city="fuzhou", cause="storm", until=NOW + 600, by="li", since=NOW)
    await write_copy(parts.live, [storm], NOW)
    await parts.situation.look()
    said.append((await call(parts, 3))["TL_SAY"])
    for files, reason in zip(said, ("refuse_quota", "refuse_surge", "refuse_notice"), strict=True):
        assert f"min_dong/{reason}-1" in files
        assert f"mandarin/{reason}-1" in files
        assert files.endswith("&/sounds/mandarin/refuse_danger")
