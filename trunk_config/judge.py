"""May the quotas of a site be changed like this? All reasons against it at once. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from tieline.audit import about_why
from tieline.errors import Problem
from tieline.model import CityId, SiteId
from tieline.moment import read_moment
from tieline.principal import Principal, Role
from tieline.refused import Kind, Refused
from tieline.topology import Topology
from trunk_config.change import Change, PutOn, SetShares, Share, Situation, Undo, not_changed
from trunk_config.profiles import Profile
from trunk_config.quota import Quota, faults
from trunk_config.versions import QuotaVersion, differences

CHANGERS: Final = frozenset((Role.ADMIN, Role.OPERATOR))
UNTIL_AT_MOST_S: Final = 366 * 86_400
"""An end time later than that is a slip of the hand."""


def check_site(topology: Topology, site: SiteId) -> None:
    """Refuse a site that does not exist.

    Raises:
        Refused: It does not.
    """
    if site not in topology.sites:
        known = "use one of " + ", ".join(topology.sites)
        raise not_changed(site, Kind.INVALID, [Problem(f"site {site}", "unknown site", known)])


def check_right(by: Principal, site: SiteId) -> None:
    """Refuse who may not change quotas of a site.

    A reserve of one city is taken from all the others: who is bound to one city may change none.

    Raises:
        Refused: His role or his scope does not allow it.
    """
    if by.role not in CHANGERS:
        mend = "ask somebody with role " + " or ".join(sorted(CHANGERS))
        raise not_changed(site, Kind.FORBIDDEN, [Problem(f"role {by.role}", "may not change quotas", mend)])
    if not by.covers(site=site):
        problem = Problem(f"scope {by.city or by.site}", f"does not cover {site}", "use a token for the whole site")
        raise not_changed(site, Kind.FORBIDDEN, [problem])


def judge(change: Change, by: Principal, situation: Situation) -> QuotaVersion:
    """Give the version that a change makes.

    Args:
        change: What is asked, for a site that exists.
        by: Who asks.
        situation: What it is judged against.

    Raises:
        Refused: With every reason.
    """
    check_right(by, change.site)
    newest = situation.newest
    until, about_end = _end(change, situation.now)
    made, problems = _made(change, situation, until)
    stale = change.base != newest.version
    problems = [*about_why(change.why), *about_end, *problems]
    problems += faults(situation.topology, change.site, made.quotas)
    if not problems and _content(made) == _content(newest):
        problems.append(Problem("change", "nothing would change", f"version {newest.version} has these quotas"))
    if problems or stale:
        raise _refusal(change, situation, problems)
    asked = [] if change.confirmed else list(_halvings(newest, made))
    if asked:
        raise not_changed(change.site, Kind.CONFIRM, asked, newest=newest.version)
    return replace(made, by=by.name)


def _content(version: QuotaVersion) -> tuple[object, ...]:
    return version.profile, version.quotas, version.until


def _refusal(change: Change, situation: Situation, problems: Sequence[Problem]) -> Refused:
    newest = situation.newest
    if change.base == newest.version:
        return not_changed(change.site, Kind.INVALID, problems, newest=newest.version)
    base = situation.known.get(change.base)
    said = f"made by {newest.by}: {newest.why}" if base else "there is no such version"
    stale = Problem(f"base {change.base}", f"version {newest.version} is in force, {said}", "look and ask again")
    difference = differences(base.quotas, newest.quotas) if base else ()
    return not_changed(change.site, Kind.STALE, [stale, *problems], newest=newest.version, difference=difference)


def _end(change: Change, now: float) -> tuple[float | None, list[Problem]]:
    """Read the end time; None when there is none, or none that can be read."""
    until = change.until
    if isinstance(until, str):
        try:
            until = read_moment(until, now)
        except ValueError as error:
            return None, [Problem("until", str(error))]
    if until is None or now < until <= now + UNTIL_AT_MOST_S:
        return until, []
    what = "is in the past" if until <= now else "is more than a year ahead"
    return until, [Problem("until", f"the end time {what}", "give another one, or none")]


def _made(change: Change, situation: Situation, until: float | None) -> tuple[QuotaVersion, list[Problem]]:
    """Make the version that is asked for, as if nothing were wrong, and tell what is."""
    newest = situation.newest
    made = replace(newest, version=newest.version + 1, why=change.why.strip(), at=situation.now)
    problems: list[Problem] = []
    match change.what:
        case SetShares(shares=shares):
            problems += _about_shares(shares, newest, situation.topology)
            made = replace(made, quotas=_with_shares(newest.quotas, shares))
        case PutOn(profile=name):
            profile = situation.profiles.get((change.site, name))
            problems += _about_profile(name, profile, change.site, situation)
            made = replace(made, profile=name, until=None, returns_to=None)
            made = replace(made, quotas=profile.quotas) if profile else made
        case Undo(to=to):
            target = newest.version - 1 if to is None else to
            past = situation.known.get(target) if 1 <= target < newest.version else None
            problems += _about_undo(to, past, newest)
            made = _restored(made, past, situation.now) if past else made
    if until is not None:
        made = replace(made, until=until, returns_to=newest.version)
    return made, problems


def _restored(made: QuotaVersion, past: QuotaVersion, now: float) -> QuotaVersion:
    """Take the content of a former version, its end time too when that is still to come."""
    ahead = not past.is_over(now)
    return replace(
        made,
        profile=past.profile,
        quotas=past.quotas,
        until=past.until if ahead else None,
        returns_to=past.returns_to if ahead else None,
    )


def restored(over: QuotaVersion, past: QuotaVersion, *, by: str, now: float) -> QuotaVersion:
    """Give the version that brings a former one back when the one in force is over."""
    why = f"end time of version {over.version} ({over.profile}): version {past.version} ({past.profile}) again"
    made = replace(over, version=over.version + 1, by=by, why=why, at=now)
    return _restored(made, past, now)


def _with_shares(quotas: Mapping[CityId, Quota], shares: Mapping[CityId, Share]) -> dict[CityId, Quota]:
    made = dict(quotas)
    for city, share in shares.items():
        old = quotas.get(city, Quota(0, 0))
        made[city] = Quota(
            old.reserve if share.reserve is None else share.reserve, old.cap if share.cap is None else share.cap
        )
    return made


def _about_shares(shares: Mapping[CityId, Share], newest: QuotaVersion, topology: Topology) -> Iterator[Problem]:
    if not shares:
        yield Problem("cities", "no city named", "name at least one, with reserve or cap")
    for city, share in shares.items():
        if share == Share():
            yield Problem(f"city {city}", "neither reserve nor cap given", "give one of them or both")
        elif city in topology.cities and city not in newest.quotas and None in (share.reserve, share.cap):
            yield Problem(f"city {city}", f"has no quota at {newest.site} yet", "give reserve and cap")


def _about_profile(name: str, profile: Profile | None, site: SiteId, situation: Situation) -> Iterator[Problem]:
    if profile is None:
        known = ", ".join(known for place, known in situation.profiles if place == site)
        yield Problem(f"profile {name}", f"unknown at {site}", f"use one of {known}")
        return
    groups = {group.id: group for city in situation.topology.cities.values() for group in city.trunk_groups}
    for trunk in profile.trunks:
        if trunk not in groups:
            yield Problem(
                f"profile {name}", f"needs trunk group {trunk}, which does not exist", "correct the profile"
            )
        elif not groups[trunk].in_service:
            mend = "put it into service, or set the shares by hand"
            yield Problem(
                f"profile {name}",
                f"needs trunk group {trunk}, which is {groups[trunk].state.replace('_', ' ')}",
                mend,
            )


def _about_undo(to: int | None, past: QuotaVersion | None, newest: QuotaVersion) -> Iterator[Problem]:
    if past is None and newest.version == 1:
        yield Problem("undo", "version 1 is the first: there is none before it")
    elif past is None:
        yield Problem(f"to {to}", "no former version has this number", f"name one from 1 to {newest.version - 1}")


def _halvings(before: QuotaVersion, after: QuotaVersion) -> Iterator[Problem]:
    """Yield each city that loses half of its reserve or of its cap, or more."""
    for found in differences(before.quotas, after.quotas):
        if found.before and 2 * (found.after or 0) <= found.before:
            what = f"{found.share} falls from {found.before} to {found.after or 0}, half or less"
            yield Problem(f"city {found.city}", what, "confirm it")
