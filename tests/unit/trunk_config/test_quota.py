"""The reserve rule, and what a set of quotas must satisfy."""

from pathlib import Path

import pytest

from tests.unit.trunk_config.network import out_of_service
from tieline.errors import ConfigError
from tieline.model import CityId, RefusalCause, SiteId
from tieline.topology import Topology, TrunkState
from tieline.topology_file import load_topology
from trunk_config.profiles import load_profiles
from trunk_config.quota import Quota, SiteQuotas, faults, may_admit, refusal_cause, site_quotas

pytestmark = pytest.mark.unit

EXAMPLES = Path(__file__).parents[3] / "examples"
FUZHOU, A, B = SiteId("fuzhou"), CityId("a"), CityId("b")


@pytest.fixture(scope="module")
def topology() -> Topology:
    return load_topology(EXAMPLES / "fujian.toml")


def _two(reserve_b: int = 3) -> SiteQuotas:
    return SiteQuotas(FUZHOU, 10, {A: Quota(2, 9), B: Quota(reserve_b, 6)}, {A: 30, B: 30})


@pytest.mark.parametrize(
    ("used_a", "used_b", "city", "expected"),
    [
        (6, 0, A, True),  # 6 + 3 kept for B < 10
        (7, 0, A, False),  # 7 + 3 kept for B
        (7, 0, B, True),  # what is kept for B is B's to use
        (7, 2, B, True),
        (7, 3, B, False),  # all lines in use
        (5, 4, A, True),  # B is above its reserve: nothing more is kept for it
        (0, 6, B, False),  # cap
        (1, 5, B, True),
    ],
)
def test_what_others_have_reserved_stays_free(used_a: int, used_b: int, city: CityId, expected: bool) -> None:
    assert may_admit(_two(), {A: used_a, B: used_b}, city) is expected


@pytest.mark.parametrize(
    ("used", "city", "expected"),
    [
        ({A: 7, B: 0}, A, RefusalCause.QUOTA),  # what B has reserved
        ({A: 7, B: 3}, A, RefusalCause.QUOTA),  # all lines in use, A has more than it is promised
        ({A: 9, B: 0}, A, RefusalCause.QUOTA),  # its cap
        ({A: 9, B: 1}, B, RefusalCause.PLATFORM),  # promised three, and none is left
        ({A: 12, B: 2}, B, RefusalCause.PLATFORM),
        ({A: 12, B: 3}, B, RefusalCause.QUOTA),
        ({A: 12}, CityId("c"), RefusalCause.QUOTA),
    ],
)
def test_a_city_that_has_less_than_is_promised_is_refused_by_the_platform(
    used: dict[CityId, int], city: CityId, expected: RefusalCause
) -> None:
    assert not may_admit(_two(), used, city)
    assert refusal_cause(_two(), used, city) is expected


def test_no_more_is_kept_for_a_city_than_its_trunk_groups_can_carry(topology: Topology) -> None:
    putian = CityId("putian")
    normal = load_profiles(EXAMPLES / "quotas.toml", topology)[FUZHOU, "normal"].quotas
    quotas = site_quotas(out_of_service(topology, "tg-putian", TrunkState.BLOCKED), FUZHOU, normal)
    assert (quotas.quotas[putian], quotas.limit(putian)) == (Quota(0, 60), 0)
    others = {city: quota for city, quota in normal.items() if city != putian}
    assert {city: quota for city, quota in quotas.quotas.items() if city != putian} == others


def test_a_city_without_access_is_refused_by_its_quota() -> None:
    quotas = SiteQuotas(FUZHOU, 10, {A: Quota(2, 5)}, {A: 0})
    assert refusal_cause(quotas, {}, A) is RefusalCause.QUOTA


def test_a_city_without_quota_or_access_is_refused() -> None:
    quotas = SiteQuotas(FUZHOU, 10, {A: Quota(0, 5), B: Quota(0, 5)}, {A: 1, B: 0})
    assert may_admit(quotas, {}, A)
    assert not may_admit(quotas, {A: 1}, A)
    assert not may_admit(quotas, {}, B)
    assert not may_admit(quotas, {}, CityId("c"))


def test_the_examples_profiles_fit_the_examples_network(topology: Topology) -> None:
    profiles = load_profiles(EXAMPLES / "quotas.toml", topology)
    names = ("normal", "typhoon", "take-over")
    assert set(profiles) == {(SiteId(site), name) for site in ("fuzhou", "xiamen") for name in names}
    normal = site_quotas(topology, FUZHOU, profiles[FUZHOU, "normal"].quotas)
    assert normal.limit(CityId("fuzhou")) == 120
    assert sum(quota.reserve for quota in normal.quotas.values()) == 65


def test_every_fault_of_a_set_is_told(topology: Topology) -> None:
    good = load_profiles(EXAMPLES / "quotas.toml", topology)[FUZHOU, "normal"].quotas
    bad = dict(good) | {
        CityId("atlantis"): Quota(1, 2),
        CityId("putian"): Quota(9, 3),
        CityId("ningde"): Quota(-1, 20),
        CityId("sanming"): Quota(0, 10**9),
        CityId("nanping"): Quota(200, 241),
        CityId("fuzhou"): Quota(100, 120),
    }
    del bad[CityId("longyan")]
    told = "\n".join(map(str, faults(topology, FUZHOU, bad)))
    for said in (
        "atlantis: unknown city",
        "reserve 9 is above cap 3",
        "ningde reserve: -1 is out of range",
        "sanming cap: 1000000000 is out of range",
        "241 is more than the site's 240 lines",
        "longyan: no quota at fuzhou",
        "the reserves add up to 310",
    ):
        assert said in told


def test_a_faulty_file_is_refused_whole(topology: Topology, tmp_path: Path) -> None:
    text = (EXAMPLES / "quotas.toml").read_text()
    path = tmp_path / "quotas.toml"
    path.write_text(
        text.replace("reserve = 21, cap = 120", "reserve = 21, kap = 120", 1).replace("tg-xiamen", "tg-x", 1)
    )
    with pytest.raises(ConfigError) as refused:
        load_profiles(path, topology)
    told = [str(problem) for problem in refused.value.problems]
    assert any("did you mean `cap`" in line for line in told)
    assert any("no trunk group `tg-x`" in line for line in told)


def test_every_site_needs_the_profile_of_every_day(topology: Topology, tmp_path: Path) -> None:
    path = tmp_path / "quotas.toml"
    path.write_text((EXAMPLES / "quotas.toml").read_text().replace('name = "normal"', 'name = "usual"'))
    with pytest.raises(ConfigError, match="has no profile `normal`"):
        load_profiles(path, topology)
