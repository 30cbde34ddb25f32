"""How a site stands."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.trunk_config.network import FUZHOU, PROFILES, TOPOLOGY, city, version
from trunk_config.quota import Quota, SiteQuotas, may_admit, site_quotas
from trunk_config.standing import free_for, standing

pytestmark = pytest.mark.unit

CITIES = [city(name) for name in "abc"]
NUMBER = st.integers(0, 12)


@given(
    lines=st.integers(0, 30),
    shares=st.tuples(*(st.tuples(NUMBER, NUMBER, NUMBER, NUMBER) for _ in CITIES)),
)
def test_free_is_what_the_rule_would_let_in(lines: int, shares: tuple[tuple[int, int, int, int], ...]) -> None:
    quotas = SiteQuotas(
        FUZHOU,
        lines,
        {name: Quota(min(reserve, cap), cap) for name, (reserve, cap, _, _) in zip(CITIES, shares, strict=True)},
        {name: access for name, (_, _, access, _) in zip(CITIES, shares, strict=True)},
    )
    in_use = {name: used for name, (_, _, _, used) in zip(CITIES, shares, strict=True)}
    for name in (*CITIES, city("unknown")):
        filling = dict(in_use)
        while may_admit(quotas, filling, name):
            filling[name] = filling.get(name, 0) + 1
        assert free_for(quotas, in_use, name) == filling.get(name, 0) - in_use.get(name, 0)


def test_a_site_is_told_with_every_city_of_its_quotas() -> None:
    newest = version(4, "typhoon")
    quotas = site_quotas(TOPOLOGY, FUZHOU, newest.quotas)
    told = standing(newest, quotas, PROFILES, in_use={city("fuzhou"): 30, city("putian"): 2}, installed=3)
    assert (told.version, told.installed, told.profile, told.changed) == (4, 3, "typhoon", False)
    assert (told.lines, told.in_use, told.kept) == (240, 32, 32 - 30 + 17 - 2 + 11 + 11 + 17)
    rows = {row.city: row for row in told.cities}
    assert set(rows) == set(newest.quotas)
    row = rows[city("putian")]
    assert (row.in_use, row.reserve, row.cap, row.access, row.free) == (2, 17, 60, 60, 58)


def test_without_redis_only_what_is_in_use_is_unknown() -> None:
    newest = version(quotas={**version().quotas, city("putian"): Quota(12, 60)})
    quotas = site_quotas(TOPOLOGY, FUZHOU, newest.quotas)
    told = standing(newest, quotas, PROFILES, in_use=None, installed=None)
    assert told.changed
    assert (told.in_use, told.kept, {(row.in_use, row.free) for row in told.cities}) == (None, None, {(None, None)})
