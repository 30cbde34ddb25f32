"""What a storm showed: made of what was watched and of the books. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final

import msgspec

from lab.books import Difference
from lab.burden import Burden
from lab.storm_books import StormBooks
from lab.storm_decisions import Decisions
from lab.storm_faults import Killed, QuotasChanged
from lab.storm_lines import Look, equal_after_s, excesses, most_channels
from lab.storm_plan import ACCESS, LINES, RESERVE, STORM_CAP, most_by_node_count
from tieline import bus
from tieline.model import CityId
from trunk_config.admission import Verdict

KILL_EVERY_S: Final = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Storm:
    """What is to happen.

    Attributes:
        city: In storm.
        factor: So many times as often as on a calm day.
        seconds: How long new calls come.
        seed: Of the callers' numbers.
        kills: Parts killed in turn, words of `lab.storm_faults.KILLS`.
        kill_every_s: From one to the next.
        changes: Whether the city gets another cap over HTTP in the middle; then nothing is killed.
    """

    city: CityId
    factor: float = 12.0
    seconds: float = 40.0
    seed: int = 1
    kills: tuple[str, ...] = ()
    kill_every_s: float = KILL_EVERY_S
    changes: bool = False


class Recovery(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the lines after a part was killed.

    Attributes:
        equal_after_s: Seconds until the counted lines were Asterisk's channels, and stayed so; None: never.
        most_channels: Most answered callers of the storming city at once until the next one was killed.
    """

    what: str
    part: str
    equal_after_s: float | None
    most_channels: int


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """What a change of the quotas took, seconds from its request.

    Attributes:
        first_decision_s: Until the first decision under it; None: there was none.
        old_decisions: Decisions under the former version after the request was answered.
    """

    version: int
    answered_s: float
    first_decision_s: float | None
    old_decisions: int


class StormReport(msgspec.Struct, frozen=True, kw_only=True):
    """What a storm showed.

    Attributes:
        looks: At lines and channels, once a second.
        most_in_use: Lines of the site in use at once, of `lines`, as Redis counted them.
        by_node: Calls that nodes let in by their own count.
        decisions: How long those of the site took.
        over_admitted: Lines let in by Redis where there was no room.
        faults: What SIPp met unexpectedly, shortened.
    """

    city: str
    factor: float
    seconds: float
    seed: int
    lines: int
    rates: dict[str, float]
    books: StormBooks
    looks: int
    most_in_use: int
    by_node: int
    decisions: Decisions
    over_admitted: tuple[str, ...]
    recoveries: tuple[Recovery, ...]
    change: Change | None
    burden: Burden
    differences: tuple[Difference, ...]
    faults: tuple[str, ...] = ()

    @property
    def is_well(self) -> bool:
        """Whether nothing differs, here or in the books."""
        return self.books.balance and not self.differences and not self.over_admitted


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What was watched.

    Attributes:
        looks: At the storm's site.
        arrivals: Decisions of its Redis.
        by_node: Calls that its nodes let in by their own count.
        decisions: How long they took.
        killed: In their order.
        changed: None when nothing was changed.
        city_of: City by call id, as the edge counted it.
        nodes: Of the site.
        calm: The other cities of the site.
    """

    looks: Sequence[Look]
    arrivals: Sequence[bus.CallArrived]
    by_node: int
    decisions: Decisions
    killed: Sequence[Killed]
    changed: QuotasChanged | None
    city_of: Mapping[str, str]
    nodes: int
    calm: Sequence[CityId]


def report(
    storm: Storm, seen: Seen, books: StormBooks, cost: Burden, rates: Mapping[str, float], faults: Iterable[str]
) -> StormReport:
    """Judge what was watched."""
    windows = list(_windows(seen))
    recoveries = tuple(_recovery(storm.city, seen, killed, until) for killed, until in windows)
    change = _change(seen.changed, seen.arrivals) if seen.changed else None
    in_use = [sum(look.in_force.in_use.values()) for look in seen.looks if look.in_force]
    found = chain(_of_recoveries(recoveries, seen.nodes), _of_change(change), _of_calm(seen))
    return StormReport(
        city=storm.city,
        factor=storm.factor,
        seconds=storm.seconds,
        seed=storm.seed,
        lines=LINES,
        rates=dict(rates),
        books=books,
        looks=len(seen.looks),
        most_in_use=max(in_use, default=0),
        by_node=seen.by_node,
        decisions=seen.decisions,
        over_admitted=tuple(_over_admitted(seen, windows)),
        recoveries=recoveries,
        change=change,
        burden=cost,
        differences=tuple(found),
        faults=tuple(faults),
    )


def _windows(seen: Seen) -> Iterator[tuple[Killed, float]]:
    """Pair each kill with the time of the next one, or of the last look."""
    ends = [*(killed.at for killed in seen.killed[1:]), seen.looks[-1].at if seen.looks else 0.0]
    return zip(seen.killed, ends, strict=False)


def _recovery(city: CityId, seen: Seen, killed: Killed, until: float) -> Recovery:
    most = most_channels(seen.looks, seen.city_of, killed.at, until).get(city, 0)
    after = equal_after_s(seen.looks, killed.at, until)
    return Recovery(
        what=killed.what,
        part=killed.part,
        equal_after_s=None if after is None else round(after, 1),
        most_channels=most,
    )


def _change(changed: QuotasChanged, arrivals: Sequence[bus.CallArrived]) -> Change:
    new = [event.at for event in arrivals if event.quota_version == changed.version]
    old = [event for event in arrivals if event.quota_version < changed.version and event.at > changed.answered_at]
    return Change(
        version=changed.version,
        answered_s=round(changed.answered_at - changed.asked_at, 3),
        first_decision_s=round(min(new) - changed.asked_at, 3) if new else None,
        old_decisions=len(old),
    )


def _over_admitted(seen: Seen, windows: Iterable[tuple[Killed, float]]) -> Iterator[str]:
    """Name what was let in without room: by decision, and look by look, but for the time after Redis was killed.

    Then the nodes let calls in by their own count, and Redis learns of them as it comes back.
    """
    away = [(killed.at, until) for killed, until in windows if killed.what == "redis"]
    runs: list[list[Look]] = [[]]
    for look in seen.looks:
        if any(since <= look.at <= until for since, until in away):
            runs.append([])
        else:
            runs[-1].append(look)
    for excess in chain.from_iterable(map(excesses, runs)):
        yield f"{excess.at:.1f}: {excess.what}"
    limits = {look.in_force.version: look.in_force.shares for look in seen.looks if look.in_force}
    for event in seen.arrivals:
        share = limits.get(event.quota_version, {}).get(CityId(event.city))
        if share and event.verdict == Verdict.ADMIT and event.lines_in_use > share.cap:
            yield f"{event.at:.1f}: {event.city} got line {event.lines_in_use} of {share.cap} (call {event.call_id})"


def _of_recoveries(recoveries: Iterable[Recovery], nodes: int) -> Iterator[Difference]:
    most = min(ACCESS, most_by_node_count(STORM_CAP, nodes))
    for one in recoveries:
        if one.equal_after_s is None:
            yield Difference(one.part, "the counted lines did not become equal to the channels")
        if one.most_channels > most:
            yield Difference(one.part, f"{one.most_channels} calls at once, at most {most} may be")


def _of_change(change: Change | None) -> Iterator[Difference]:
    if change and change.first_decision_s is None:
        yield Difference("change", "no decision under the new version")
    if change and change.old_decisions:
        yield Difference("change", f"{change.old_decisions} decisions under the old version after the answer")


def _of_calm(seen: Seen) -> Iterator[Difference]:
    """The schedule of the calm cities must hold, or their refusals prove nothing."""
    for look in () if seen.killed else seen.looks:
        for city in seen.calm:
            if look.in_force and look.in_force.in_use.get(city, 0) > RESERVE:
                yield Difference(city, f"used more than its reserve at {look.at:.1f}")
