"""A caller whose best agent is another site's awaits that site's offer: it comes, or he loses one moment by it."""

import pytest

from routing.crossing import EXPECTED_S
from tests.unit.routing.two_sites import FUZHOU, XIAMEN, Site, agent, meet, two_sites

pytestmark = pytest.mark.unit

LAST_SPEAKER = agent("a1001", FUZHOU, "puxian")
MANY = tuple(agent(f"a20{number}", XIAMEN) for number in range(10, 40))
"""Each cheaper than the last speaker of a dialect."""


def words(site: Site) -> list[str]:
    """Name the agents who were offered to callers of a site."""
    return [word.split(":")[1] for _, word in site.words]


def test_an_offer_that_does_not_come_costs_a_caller_one_moment_however_many_agents_that_site_has() -> None:
    fuzhou, _ = two_sites(LAST_SPEAKER, *MANY)
    fuzhou.waits("c1", "mandarin")
    assert words(fuzhou) == []
    fuzhou.tick(fuzhou.now + EXPECTED_S)
    assert words(fuzhou) == [LAST_SPEAKER.id]


def test_a_site_that_offered_nothing_may_still_offer_whom_it_will() -> None:
    fuzhou, xiamen = two_sites(agent("a1001", FUZHOU, business=()), *MANY)
    fuzhou.waits("c1", "mandarin")
    fuzhou.tick(fuzhou.now + EXPECTED_S)
    assert words(fuzhou) == []
    meet(fuzhou, xiamen)
    assert words(fuzhou) == [MANY[0].id]
