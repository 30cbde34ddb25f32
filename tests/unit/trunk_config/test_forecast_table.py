"""The forecast as people read it."""

import io
from collections.abc import Mapping
from dataclasses import replace

import pytest
from rich.console import Console

from tests.unit.trunk_config.network import PROFILES, TOPOLOGY, version
from tieline.model import CityId, SiteId
from trunk_config.forecast import Comparison, compare
from trunk_config.forecast_table import forecast_table

pytestmark = pytest.mark.unit

FUZHOU = CityId("fuzhou")
LOADS = {FUZHOU: 12.44, CityId("putian"): 4.83, CityId("ningde"): 4.94}


def _shown(found: Comparison) -> list[str]:
    paper = io.StringIO()
    Console(width=80, file=paper).print(forecast_table(found))
    return paper.getvalue().splitlines()


def _compared(factors: Mapping[CityId, float], profile: str | None = None) -> Comparison:
    proposed = PROFILES[SiteId("fuzhou"), profile] if profile else None
    return compare(TOPOLOGY, version(3), proposed, LOADS, factors=factors, loads_from="measured")


def _row(lines: list[str], city: str) -> list[str]:
    return next(line.split() for line in lines if line.strip().startswith(city))


def test_the_present_alone() -> None:
    lines = _shown(_compared({}))
    assert _row(lines, "fuzhou ") == ["fuzhou", "12.44", "21", "21/120", "<", "0.01", "%"]
    assert _row(lines, "sanming") == ["sanming", "0.00", "0", "11/60", "-"]
    assert _row(lines, "all") == ["all", "22.21", "<", "0.01", "%"]
    text = "\n".join(lines)
    assert "now: normal, version 3; 22.2 lines in use" in text
    assert "loads: measured" in text
    assert "then" not in text


def test_a_proposal_beside_it_fits_eighty_columns() -> None:
    lines = _shown(_compared({FUZHOU: 12}, "typhoon"))
    assert not any("…" in line for line in lines)
    expected = ["fuzhou", "x", "12", "149.28", "169", "21/120", "!", "21.8", "%", "32/120", "!", "21.8", "%"]
    assert _row(lines, "fuzhou x") == expected
    assert any(line.startswith("then: typhoon") for line in lines)


def test_a_city_that_the_proposal_does_not_know() -> None:
    typhoon = PROFILES[SiteId("fuzhou"), "typhoon"]
    without = replace(typhoon, quotas={city: quota for city, quota in typhoon.quotas.items() if city != "longyan"})
    found = compare(TOPOLOGY, version(), without, LOADS, factors={}, loads_from="given")
    assert _row(_shown(found), "longyan") == ["longyan", "0.00", "0", "0/30", "-", "none"]
