"""A caller whose best agent is another site's awaits that site's offer: it comes, or he loses one moment by it."""

import pytest

from routing.crossing import EXPECTED_S
from routing.offering import PEER_GRACE_S
from tests.unit.routing.people import RULES, call, matcher, pairs, with_numbers
from tests.unit.routing.two_sites import FUZHOU, XIAMEN, Site, agent, meet, two_sites
from tieline import bus
from tieline.model import Business, SiteId

pytestmark = pytest.mark.unit

OWN_DIALECT = {FUZHOU: "min_dong", XIAMEN: "min_nan"}
STAFF = tuple(
    agent(f"{prefix}{number}", site, OWN_DIALECT[site])
    for site, prefix in ((FUZHOU, "a10"), (XIAMEN, "a20"))
    for number in range(11, 15)
)
LAST_SPEAKER = agent("a1001", FUZHOU, "puxian")
MANY = tuple(agent(f"a20{number}", XIAMEN) for number in range(10, 40))
"""Each cheaper than the last speaker of a dialect."""


def words(site: Site) -> list[str]:
    """Name the agents who were offered to callers of a site."""
    return [word.split(":")[1] for _, word in site.words]


@pytest.mark.parametrize("asked", [FUZHOU, XIAMEN])
def test_both_sites_see_the_same_best_agent_whatever_dialects_their_own_callers_speak(
    asked: SiteId,
) -> None:
    sites = two_sites(*STAFF)
    for number in range(20):
        for site in sites:
            call_id = f"{site.id}{number}"
            site.waits(call_id, OWN_DIALECT[site.id])
            meet(*sites)
            gone = bus.CallGone(at=site.now, call_id=call_id, node="n", channel="c", uniqueid="u", cause=16)
            site.tell(gone)
            meet(*sites)
    [home] = [site for site in sites if site.id == asked]
    before = len(home.words)
    home.waits("c1", "mandarin")
    meet(*sites)
    assert len(home.words) == before + 1, "each waits for the other one's agent"


def test_an_offer_that_does_not_come_costs_a_caller_one_moment_however_many_agents_that_site_has() -> None:
    fuzhou, _ = two_sites(LAST_SPEAKER, *MANY)
    fuzhou.waits("c0", "puxian", Business.COMPLAINT)
    fuzhou.tick(fuzhou.now + 3600)  # so long ago that the speaker is not kept, but scarce
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


def test_who_is_left_out_for_a_call_takes_no_place_among_those_who_are_looked_at() -> None:
    first, second = agent("a2001", XIAMEN), agent("a2002", XIAMEN)
    pool = matcher(first, second, ladders=with_numbers(place_among=1), own=(XIAMEN,))
    waiting = call("c1", 10)
    assert pairs(pool.peer_view(FUZHOU, {}, (waiting,), 10)) == [("c1", first.id)]
    assert pairs(pool.tick(10 + RULES.lease_s + PEER_GRACE_S)) == [("c1", second.id)], "the first was not taken up"
