"""The checks of a change: each reason against it, all of them at once, and what a change makes."""

from dataclasses import replace
from typing import Any

import pytest

from tests.unit.trunk_config.network import ADMIN, FUZHOU, NOW, PROFILES, TOPOLOGY, city, out_of_service, version
from tieline.model import CityId, SiteId
from tieline.principal import Principal, Role
from tieline.refused import Kind, Refused
from trunk_config.change import Change, PutOn, SetShares, Share, Situation, Undo
from trunk_config.judge import UNTIL_AT_MOST_S, check_site, judge, restored
from trunk_config.quota import Quota
from trunk_config.versions import QuotaVersion

pytestmark = pytest.mark.unit

PUTIAN = city("putian")
MORE = SetShares({PUTIAN: Share(reserve=17)})


def asked(what: SetShares | PutOn | Undo = MORE, **fields: Any) -> Change:
    """A change that is in order but for what a test says."""
    return replace(Change(site=FUZHOU, what=what, why="typhoon Maria", base=3), **fields)


def situation(**fields: Any) -> Situation:
    """Version 3 is in force; 1 to 3 are known."""
    known = {number: version(number) for number in (1, 2, 3)}
    made = Situation(topology=TOPOLOGY, profiles=PROFILES, newest=known[3], known=known, now=NOW)
    return replace(made, **fields)


def made(change: Change, where: Situation | None = None) -> QuotaVersion:
    """What a change makes."""
    return judge(change, ADMIN, where or situation())


def refused(change: Change, where: Situation | None = None, by: Principal = ADMIN) -> Refused:
    """How a change is refused."""
    with pytest.raises(Refused) as caught:
        judge(change, by, where or situation())
    return caught.value


# --- what is made --------------------------------------------------------------------------------------------


def test_shares_are_changed_alone_and_who_and_why_are_kept() -> None:
    new = made(asked(SetShares({PUTIAN: Share(reserve=17), city("ningde"): Share(cap=50)})))
    assert (new.version, new.profile, new.by, new.why, new.at) == (4, "normal", "lin", "typhoon Maria", NOW)
    assert new.quotas[PUTIAN] == Quota(17, 60)
    assert new.quotas[city("ningde")] == Quota(11, 50)
    assert new.quotas[city("fuzhou")] == Quota(21, 120)
    assert (new.until, new.returns_to) == (None, None)


def test_a_profile_is_put_on_whole() -> None:
    new = made(asked(PutOn("typhoon"), until=NOW + 3600, confirmed=True))
    assert (new.profile, new.quotas) == ("typhoon", PROFILES[FUZHOU, "typhoon"].quotas)
    assert (new.until, new.returns_to) == (NOW + 3600, 3)


def test_a_pending_end_stays_when_shares_are_set_and_goes_when_a_profile_is_put_on() -> None:
    pending = situation(newest=version(3, "typhoon", until=NOW + 60, returns_to=2))
    new = made(asked(SetShares({PUTIAN: Share(reserve=18)})), pending)
    assert (new.until, new.returns_to) == (NOW + 60, 2)
    new = made(asked(PutOn("typhoon")), pending)
    assert (new.until, new.returns_to) == (None, None)


def test_an_end_time_may_be_as_people_type_it() -> None:
    assert made(asked(until="+3h")).until == NOW + 3 * 3600


def test_undo_brings_the_content_before_back() -> None:
    known = {1: version(1), 2: version(2, "take-over"), 3: version(3, "typhoon")}
    where = situation(newest=known[3], known=known)
    new = made(asked(Undo(), confirmed=True), where)
    assert (new.version, new.profile, new.quotas) == (4, "take-over", known[2].quotas)
    assert made(asked(Undo(to=1), confirmed=True), where).profile == "normal"


@pytest.mark.parametrize(("until", "kept"), [(NOW + 60, True), (NOW - 60, False)])
def test_undo_keeps_an_end_that_is_still_to_come(until: float, kept: bool) -> None:
    known = {2: version(2, "typhoon", until=until, returns_to=1), 3: version(3)}
    new = made(asked(Undo(), confirmed=True), situation(newest=known[3], known=known))
    assert (new.until, new.returns_to) == ((until, 1) if kept else (None, None))


def test_what_comes_back_by_itself_says_so() -> None:
    over = version(5, "typhoon", until=NOW, returns_to=4)
    back = restored(over, version(4), by="tieline", now=NOW)
    assert (back.version, back.profile, back.by, back.at, back.until) == (6, "normal", "tieline", NOW, None)
    assert back.quotas == version(4).quotas
    assert "end time of version 5 (typhoon): version 4 (normal) again" in back.why


# --- refusals ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (asked(SetShares({})), "no city named"),
        (asked(SetShares({PUTIAN: Share()})), "neither reserve nor cap given"),
        (asked(SetShares({PUTIAN: Share(reserve=-1)})), "putian reserve: -1 is out of range"),
        (asked(SetShares({PUTIAN: Share(cap=10**30)})), "is out of range"),
        (asked(SetShares({PUTIAN: Share(cap=241)})), "241 is more than the site's 240 lines"),
        (asked(SetShares({PUTIAN: Share(reserve=61)})), "reserve 61 is above cap 60"),
        (asked(SetShares({PUTIAN: Share(200, 200)})), "the reserves add up to 254, it has 240 lines"),
        (asked(SetShares({CityId("atlantis"): Share(1, 2)})), "atlantis: unknown city"),
        (asked(SetShares({PUTIAN: Share(reserve=11)})), "nothing would change"),
        (asked(PutOn("sunshine")), "profile sunshine: unknown at fuzhou (use one of normal, typhoon, take-over)"),
        (asked(PutOn("normal")), "nothing would change"),
        (asked(Undo(to=3)), "to 3: no former version has this number (name one from 1 to 2)"),
        (asked(Undo(to=0)), "no former version has this number"),
        (asked(Undo(to=-(10**30))), "no former version has this number"),
        (asked(why="  "), "why: no reason given"),
        (asked(why="x" * 401), "why: not one printable line"),
        (asked(why="a\nb"), "why: not one printable line"),
        (asked(until=NOW), "until: the end time is in the past"),
        (asked(until="2026-11-01 12:00"), "until: the end time is in the past"),
        (asked(until="tomorrow"), "until: 'tomorrow' is no time: write"),
        (asked(until=NOW + UNTIL_AT_MOST_S + 1), "until: the end time is more than a year ahead"),
    ],
)
def test_a_bad_change_is_refused_with_the_reason(change: Change, reason: str) -> None:
    error = refused(change)
    assert reason in str(error)
    assert (error.kind, error.newest, error.changed) == (Kind.INVALID, 3, ())


@pytest.mark.parametrize("to", [None, 1, 7])
def test_the_first_version_cannot_be_undone(to: int | None) -> None:
    where = situation(newest=version(1), known={1: version(1)})
    assert "version 1 is the first" in str(refused(asked(Undo(to), base=1), where))


def test_all_reasons_are_told_at_once() -> None:
    shares = {PUTIAN: Share(-1, 10**6), CityId("atlantis"): Share(1, 2), city("ningde"): Share(reserve=99)}
    error = refused(asked(SetShares(shares), why="", until=NOW - 1, base=2))
    told = str(error)
    for reason in (
        "base 2: version 3 is in force",
        "no reason given",
        "in the past",
        "-1 is out of range",
        "1000000 is out of range",
        "unknown city",
        "reserve 99 is above cap 60",
    ):
        assert reason in told
    assert (error.kind, len(error.problems)) == (Kind.STALE, 7)


def test_a_stale_base_is_refused_with_the_difference() -> None:
    where = situation(newest=version(3, "typhoon", by="wang", why="wind"), known={2: version(2)})
    error = refused(asked(base=2), where)
    assert error.kind is Kind.STALE
    assert "base 2: version 3 is in force, made by wang: wind" in str(error)
    assert "changed since then:\n  fuzhou reserve 21 → 32\n  putian reserve 11 → 17" in str(error)
    assert str(error.changed[-1]) == "longyan cap 30 → 15"


@pytest.mark.parametrize("base", [0, 4, -1, 10**30])
def test_a_base_that_never_was_is_refused(base: int) -> None:
    error = refused(asked(base=base))
    assert (error.kind, error.changed) == (Kind.STALE, ())
    assert "there is no such version" in str(error)


def test_a_profile_needs_its_trunk_groups() -> None:
    blocked = situation(topology=out_of_service(TOPOLOGY, "tg-quanzhou"))
    error = refused(asked(PutOn("take-over")), blocked)
    assert "needs trunk group tg-quanzhou, which is out of service" in str(error)
    key = (FUZHOU, "take-over")
    wrong = situation(profiles={**PROFILES, key: replace(PROFILES[key], trunks=("tg-moon",))})
    assert "needs trunk group tg-moon, which does not exist" in str(refused(asked(PutOn("take-over")), wrong))


@pytest.mark.parametrize(
    ("share", "asks"),
    [
        (Share(reserve=5), "reserve falls from 11 to 5"),
        (Share(reserve=6), ""),
        (Share(cap=30), "cap falls from 60 to 30"),
        (Share(cap=31), ""),
    ],
)
def test_who_takes_half_of_a_citys_share_is_asked_first(share: Share, asks: str) -> None:
    change = asked(SetShares({PUTIAN: share}))
    if asks:
        error = refused(change)
        assert (error.kind, asks in str(error)) == (Kind.CONFIRM, True)
    assert made(replace(change, confirmed=True)).version == 4
    if not asks:
        assert made(change).version == 4


def test_a_confirmation_heals_nothing_else() -> None:
    assert refused(asked(SetShares({PUTIAN: Share(reserve=-5)}), confirmed=True)).kind is Kind.INVALID


@pytest.mark.parametrize("role", [role for role in Role if role not in (Role.ADMIN, Role.OPERATOR)])
def test_some_roles_may_not_change(role: Role) -> None:
    error = refused(asked(), by=Principal(role=role, city=None, site=None, name="x"))
    assert (error.kind, f"role {role}: may not change quotas" in str(error)) == (Kind.FORBIDDEN, True)


def test_a_scope_must_hold_the_whole_site() -> None:
    def operator(*, of: CityId | None = None, at: SiteId | None = None) -> Principal:
        return Principal(role=Role.OPERATOR, city=of, site=at, name="x")

    assert judge(asked(), operator(at=FUZHOU), situation()).version == 4
    for by in (operator(at=SiteId("xiamen")), operator(of=PUTIAN), operator(of=PUTIAN, at=FUZHOU)):
        assert refused(asked(), by=by).kind is Kind.FORBIDDEN


def test_a_site_that_does_not_exist_is_refused() -> None:
    with pytest.raises(Refused, match="site taipei: unknown site"):
        check_site(TOPOLOGY, SiteId("taipei"))
    check_site(TOPOLOGY, FUZHOU)
