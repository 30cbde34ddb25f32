"""What a storm showed, judged from what was watched."""

from dataclasses import replace

import pytest

from lab.burden import Burden
from lab.storm_books import StormBooks
from lab.storm_decisions import decisions
from lab.storm_faults import Killed, QuotasChanged
from lab.storm_lines import Look
from lab.storm_plan import STORM_CAP
from lab.storm_report import Change, Seen, Storm, StormReport, report
from tieline import bus
from tieline.model import CityId
from trunk_config.in_force import InForce
from trunk_config.quota import Quota

pytestmark = pytest.mark.unit

CITY, CALM = CityId("fuzhou"), CityId("putian")
SHARES = {CITY: Quota(2, STORM_CAP), CALM: Quota(2, 6)}
COST = Burden(seconds=1, cpus=2, cpu_s={}, others_s=0, steal_s=0, load_1m=0)
BOOKS = StormBooks(
    placed=0, admitted=0, refused=0, by_platform=0, with_message=0, most_messages=0, calm=0, calm_refused=0, cut=0,
    dropped=0, longest_s=0, outcomes={}, tickets_needed=0, tickets=0, leftovers=(), differences=(),
)  # fmt: skip
SEEN = Seen(
    looks=(), arrivals=(), by_node=0, decisions=decisions(()), killed=(), changed=None, city_of={"call": CITY},
    nodes=2, calm=(CALM,),
)  # fmt: skip


def _look(at: float, lines: int, *, city: CityId = CITY, channels: int | None = None) -> Look:
    leases = {f"u{line}": str(city) for line in range(lines)}
    there = {f"u{line}": "call" for line in range(lines if channels is None else channels)}
    return Look(at, InForce(1, "normal", 16, SHARES, {city: lines}), leases, 0, there)


def _arrived(at: float, version: int, lines: int = 1) -> bus.CallArrived:
    return bus.CallArrived(
        at=at, call_id="call", node="fuzhou-1", channel="c", uniqueid="u", city=CITY, number_state="shown",
        verdict="admit", quota_version=version, lines_in_use=lines,
    )  # fmt: skip


def _report(seen: Seen) -> StormReport:
    return report(Storm(city=CITY), seen, BOOKS, COST, {}, ())


def _differences(seen: Seen) -> list[tuple[str, str]]:
    return [(one.call, one.what) for one in _report(seen).differences]


def test_a_storm_in_which_nothing_differs_is_well() -> None:
    told = _report(replace(SEEN, looks=(_look(1, 8), _look(2, 8)), arrivals=(_arrived(1, 1, STORM_CAP),)))
    assert told.is_well, told
    assert (told.looks, told.most_in_use) == (2, 8)


def test_each_kill_is_judged_until_the_next_one() -> None:
    killed = (Killed("agi", "tieline-fuzhou-agi-0", 1.5), Killed("redis", "redis-fuzhou", 4.5))
    looks = (_look(1, 8), _look(2, 8), _look(3, 8), _look(4, 8), _look(5, 8, channels=7), _look(6, 8, channels=7))
    told = _report(replace(SEEN, looks=looks, killed=killed))
    assert [(one.what, one.equal_after_s, one.most_channels) for one in told.recoveries] == [
        ("agi", 0.0, 8),
        ("redis", None, 7),
    ]
    assert [one.what for one in told.differences] == ["the counted lines did not become equal to the channels"]
    assert not told.is_well


def test_more_calls_than_the_nodes_rounding_lets_in_differ() -> None:
    killed = (Killed("redis", "redis-fuzhou", 0.5),)
    allowed, one_more = STORM_CAP + 1, STORM_CAP + 2
    assert _differences(replace(SEEN, looks=(_look(1, allowed), _look(2, allowed)), killed=killed)) == []
    found = _differences(replace(SEEN, looks=(_look(1, one_more), _look(2, one_more)), killed=killed))
    assert found == [("redis-fuzhou", f"{one_more} calls at once, at most {allowed} may be")]


def test_over_admission_counts_by_decision_and_by_look_but_not_while_redis_was_away() -> None:
    grown = (_look(1, STORM_CAP), _look(2, STORM_CAP + 1))
    assert len(_report(replace(SEEN, looks=grown)).over_admitted) == 1
    away = (Killed("redis", "redis-fuzhou", 0.5),)
    assert _report(replace(SEEN, looks=grown, killed=away)).over_admitted == ()
    decided = replace(SEEN, looks=grown[:1], arrivals=(_arrived(1, 1, STORM_CAP + 1),))
    assert [one[:22] for one in _report(decided).over_admitted] == ["1.0: fuzhou got line 1"]


def test_a_change_is_timed_from_its_request() -> None:
    changed = QuotasChanged(2, asked_at=10.0, answered_at=10.1)
    arrivals = (_arrived(9.9, 1), _arrived(10.05, 1), _arrived(10.4, 2), _arrived(11, 2))
    told = _report(replace(SEEN, changed=changed, arrivals=arrivals))
    assert told.change == Change(version=2, answered_s=0.1, first_decision_s=0.4, old_decisions=0)
    assert told.is_well
    late = replace(SEEN, changed=changed, arrivals=(_arrived(10.2, 1),))
    assert [what for _, what in _differences(late)] == [
        "no decision under the new version",
        "1 decisions under the old version after the answer",
    ]


def test_a_calm_city_above_its_reserve_differs_for_its_schedule_did_not_hold() -> None:
    assert [call for call, _ in _differences(replace(SEEN, looks=(_look(1, 3, city=CALM),)))] == [CALM]
