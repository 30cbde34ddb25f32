"""The forecast of the example's network, and the loads it is given."""

from pathlib import Path

import pytest

from tests.unit.trunk_config.network import EXAMPLES, PROFILES, TOPOLOGY
from tieline.errors import ConfigError
from tieline.model import CityId, SiteId
from trunk_config.forecast import LOSS_GOAL, Forecast, forecast, multiplied
from trunk_config.loads import load_loads, parse_by_city
from trunk_config.profiles import NORMAL
from trunk_config.quota import Quota, SiteQuotas, site_quotas

pytestmark = pytest.mark.unit

SITE, CITY, OTHER = SiteId("fuzhou"), CityId("fuzhou"), CityId("putian")
TWO = (CITY, OTHER)


@pytest.fixture(scope="module")
def normal() -> SiteQuotas:
    return site_quotas(TOPOLOGY, SITE, PROFILES[SITE, NORMAL].quotas)


@pytest.fixture(scope="module")
def loads() -> dict[CityId, float]:
    of_all = load_loads(EXAMPLES / "load.toml", TOPOLOGY)
    return {city: load for city, load in of_all.items() if TOPOLOGY.cities[city].home == SITE}


def _losses(found: Forecast) -> dict[str, float]:
    return {city.city: city.loss for city in found.cities}


def test_the_example_reserves_what_the_busy_hour_needs(normal: SiteQuotas, loads: dict[CityId, float]) -> None:
    found = forecast("normal", normal, loads)
    for city in found.cities:
        assert city.lines_needed <= city.reserve <= city.lines_needed + 1
        assert city.loss < LOSS_GOAL / 100
    assert found.load_erlang == pytest.approx(31.21)
    assert found.lines_in_use == pytest.approx(31.21, rel=0.001)


def test_what_if_fuzhou_times_twelve(normal: SiteQuotas, loads: dict[CityId, float]) -> None:
    """Its own access is what limits it: 120 channels (domain-facts (e): 22 %)."""
    found = forecast("normal", normal, multiplied(loads, {CITY: 12}))
    losses = _losses(found)
    assert losses.pop("fuzhou") == pytest.approx(0.22, abs=0.01)
    assert max(losses.values()) < 1e-6
    assert found.loss == pytest.approx(_lost(found) / found.load_erlang)
    assert next(city for city in found.cities if city.city == CITY).lines_needed == 169


def _lost(found: Forecast) -> float:
    return sum(city.load_erlang * city.loss for city in found.cities)


def test_nobody_calls(normal: SiteQuotas) -> None:
    found = forecast("normal", normal, {})
    assert (found.load_erlang, found.lines_in_use, found.loss) == (0, 0, 0)
    assert {city.lines_needed for city in found.cities} == {0}


def test_load_without_quota() -> None:
    quotas = SiteQuotas(SITE, 10, {CITY: Quota(1, 5)}, {CITY: 5})
    assert len(forecast("two", quotas, {CITY: 1.0, OTHER: 0.0}).cities) == 1
    with pytest.raises(ConfigError, match="putian: no quota at fuzhou in two"):
        forecast("two", quotas, {CITY: 1.0, OTHER: 0.1})


def test_only_a_load_can_be_multiplied() -> None:
    assert multiplied({CITY: 2.0, OTHER: 3.0}, {CITY: 12}) == {CITY: 24.0, OTHER: 3.0}
    with pytest.raises(ConfigError, match="putian: no load to multiply"):
        multiplied({CITY: 2.0}, {OTHER: 3})


def test_a_faulty_file_is_refused_whole(tmp_path: Path) -> None:
    path = tmp_path / "load.toml"
    path.write_text("[erlang]\nfuzhou = -1\nputian = 1e9\natlantis = 1\nningde = 'much'\nsanming = 4\nxiamen = nan\n")
    with pytest.raises(ConfigError) as refused:
        load_loads(path, TOPOLOGY)
    told = [str(problem) for problem in refused.value.problems]
    for said in (
        "-1 is out of range",
        "1e+09 is out of range",
        "unknown city atlantis",
        "'much'",
        "nan is out of range",
    ):
        assert any(said in line for line in told), said
    assert len(told) == 5


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", {}),
        ("fuzhou=12.4", {CITY: 12.4}),
        (" fuzhou = 12 , putian=0,", {CITY: 12.0, OTHER: 0.0}),
    ],
)
def test_lists(text: str, found: dict[CityId, float]) -> None:
    assert parse_by_city(text, TWO, most=100, what="--load") == found


def test_every_fault_of_a_list_is_told() -> None:
    text = "atlantis=1,fuzhou=nan,fuzhou=inf,putian=1,putian=2,fuzhou=101,fuzhou=-1,fuzhou,=3"
    with pytest.raises(ConfigError) as refused:
        parse_by_city(text, TWO, most=100, what="--load")
    told = [problem.what for problem in refused.value.problems]
    assert told == [
        "unknown city 'atlantis'",
        "'nan' is out of range",
        "'inf' is out of range",
        "putian stands here twice",
        "'101' is out of range",
        "'-1' is out of range",
        "'' is out of range",
        "unknown city ''",
    ]
