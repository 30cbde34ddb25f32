"""The file of thresholds and effects: the shipped one is good, faulty ones are told whole."""

from pathlib import Path

import pytest

from tests.unit.trunk_config.network import PROFILES, TOPOLOGY
from tieline.errors import ConfigError
from tieline.model import CityId
from trunk_config.surge import Level, State
from trunk_config.surge_rules import DATA, SurgeRules, load_surge_rules, proposed

pytestmark = pytest.mark.unit

FUZHOU, PUTIAN, NINGDE = CityId("fuzhou"), CityId("putian"), CityId("ningde")


def faults(tmp_path: Path, *changes: tuple[str, str]) -> list[str]:
    """Change the shipped file and give what is said of it, without mending."""
    text = DATA.read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    file = tmp_path / "surge.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_surge_rules(PROFILES, file)
    return [f"{problem.where.partition(' ')[2]}: {problem.what}" for problem in caught.value.problems]


@pytest.fixture(scope="module")
def rules() -> SurgeRules:
    return load_surge_rules(PROFILES)


def test_the_shipped_file(rules: SurgeRules) -> None:
    assert (rules.thresholds.rising, rules.thresholds.surge) == (Level(2.5, 1.5), Level(5.0, 3.0))
    assert rules.effects[State.SURGE].short_menu
    assert not rules.effects[State.RISING].short_menu
    # Fuzhou's busy hour in domain-facts (e): 224 calls.
    assert rules.usual.busy_calls_per_1000 * TOPOLOGY.cities[FUZHOU].customers / 1000 == pytest.approx(224, abs=1)


@pytest.mark.parametrize(
    ("in_surge", "city", "proposal"),
    [
        (set(), FUZHOU, ""),
        ({FUZHOU}, FUZHOU, "divert xiamen"),
        ({FUZHOU}, PUTIAN, ""),
        ({FUZHOU, PUTIAN}, PUTIAN, "profile typhoon"),
        ({FUZHOU, PUTIAN, NINGDE}, FUZHOU, "profile typhoon"),
        ({FUZHOU, PUTIAN}, NINGDE, ""),
    ],
)
def test_what_is_proposed(rules: SurgeRules, in_surge: set[CityId], city: CityId, proposal: str) -> None:
    assert proposed(rules, TOPOLOGY, in_surge, city) == proposal


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (
            ("enter = 5.0\nleave = 3.0", "enter = 2.5\nleave = 2.0"),
            "surge.enter: 2.5 is not above that of rising, 2.5",
        ),
        (("leave = 3.0", "leave = 1.2"), "surge.leave: 1.2 is below that of rising, 1.5"),
        (("leave = 1.5", "leave = 2.5"), "rising.leave: 2.5 is not below `enter`, 2.5"),
        (("window_s = 300", "window_s = 301"), "window_s: 301 is no multiple of 10"),
        (("floor = 4.0", "floor = 0.0"), "usual.floor: 0 is out of range"),
        (("weight = 0.25", "weight = 1.5"), "usual.weight: 1.5 is out of range"),
        (('state = "surge"', 'state = "rising"'), "effect[1].state: rising has two effects"),
        (('state = "surge"', 'state = "calm"'), "effect[1].state: 'calm' is not known here"),
        (("divert = true", ""), "proposal[0]: exactly one of `profile` and `divert` is proposed"),
        (('"typhoon"', '"tsunami"'), "proposal[1].profile: fuzhou, xiamen has no profile `tsunami`"),
        (("cities = 2", "cities = 1"), "proposal[1].cities: two proposals for 1 cities"),
        (("short_menu = true", "shorter_menu = true"), "effect[1].shorter_menu: unknown key `shorter_menu`"),
    ],
)
def test_one_fault(tmp_path: Path, change: tuple[str, str], fault: str) -> None:
    assert faults(tmp_path, change) == [fault]


def test_all_faults_at_once(tmp_path: Path) -> None:
    found = faults(tmp_path, ("enter = 5.0", "enter = 2.0"), ("floor = 4.0", "floor = -1"), ("weight = 0.25\n", ""))
    assert len(found) == 4  # `surge.leave` is then above `surge.enter`, too
