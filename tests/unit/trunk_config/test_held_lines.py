"""The rule kept up to date decides as the rule read from the book."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tieline.model import CityId, SiteId
from trunk_config.held_lines import HeldLines
from trunk_config.quota import Quota, SiteQuotas, may_admit

pytestmark = pytest.mark.unit

CITIES = [CityId(name) for name in "abcd"]
A, B, STRANGER = CITIES[0], CITIES[1], CityId("stranger")

_quotas = st.builds(
    lambda lines, reserves, more, access: SiteQuotas(
        SiteId("s"),
        lines,
        {city: Quota(kept, kept + extra) for city, kept, extra in zip(CITIES, reserves, more, strict=True)},
        dict(zip(CITIES, access, strict=True)),
    ),
    st.integers(4, 12),
    st.lists(st.integers(0, 3), min_size=4, max_size=4),
    st.lists(st.integers(0, 8), min_size=4, max_size=4),
    st.lists(st.sampled_from([0, 2, 9, 9]), min_size=4, max_size=4),
)
_steps = st.lists(
    st.tuples(st.sampled_from([True, True, False]), st.sampled_from([*CITIES, STRANGER])), min_size=30, max_size=80
)
"""Long courses: a short one hardly fills the lines."""


@given(_quotas, _steps)
def test_it_decides_as_the_plain_rule(quotas: SiteQuotas, steps: list[tuple[bool, CityId]]) -> None:
    lines, in_use = HeldLines(quotas), dict.fromkeys(CITIES, 0)
    for takes, city in steps:
        if takes:
            expected = may_admit(quotas, in_use, city)
            assert lines.admit(city) is expected
            if expected:
                in_use[city] += 1
        elif in_use.get(city, 0):
            lines.release(city)
            in_use[city] -= 1
        assert lines.in_use == in_use
        assert lines.total == sum(in_use.values())
        assert lines.short == sum(max(0, quota.reserve - in_use[c]) for c, quota in quotas.quotas.items())


def test_what_nobody_holds_cannot_be_given_back() -> None:
    lines = HeldLines(SiteQuotas(SiteId("s"), 10, {A: Quota(2, 9), B: Quota(3, 6)}, {A: 30, B: 30}))
    assert lines.admit(A)
    lines.release(A)
    for city in (A, STRANGER):
        with pytest.raises(ValueError, match="no line in use"):
            lines.release(city)
