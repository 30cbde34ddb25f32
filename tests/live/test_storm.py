"""A real storm on few lines (`tieline lab drill storm`): who is let in, and what parts that die change about it.

Times are no goals here: on a busy machine they only guard against waiting for ever. What was measured on a calm one
is in docs/evidence.
"""

from typing import Final

import pytest

from lab.storm import drill_storm
from lab.storm_faults import KILLS
from lab.storm_plan import LINES
from lab.storm_report import Storm, StormReport
from tests.live import instance
from tieline.model import CityId

pytestmark = [pytest.mark.live, pytest.mark.timeout(300)]

SEED: Final = 20261121
CITY: Final = CityId("fuzhou")
GUARD: Final = 5
"""Times a goal."""


def _storm(seconds: float, *, kills: tuple[str, ...] = (), kill_every_s: float = 0.0, changes: bool = False) -> Storm:
    return Storm(city=CITY, seconds=seconds, seed=SEED, kills=kills, kill_every_s=kill_every_s, changes=changes)


def _drill(storm: Storm, capsys: pytest.CaptureFixture[str]) -> StormReport:
    report = drill_storm(instance.DRILL, storm, print)
    with capsys.disabled():
        print(f"\nstorm: seed {SEED}, {report.books.placed} calls, {report.books.refused} refused")
    found = (*report.differences, *report.over_admitted, *report.books.differences)
    assert not found, "\n".join(map(str, found))
    return report


def test_in_a_storm_every_calm_call_is_let_in_and_a_change_drops_none(capsys: pytest.CaptureFixture[str]) -> None:
    report = _drill(_storm(16, changes=True), capsys)
    books, change = report.books, report.change
    assert (books.calm_refused, books.dropped, books.admitted + books.refused) == (0, 0, books.placed)
    assert 0 < books.with_message <= books.refused
    assert 0 < books.most_messages <= 8
    assert report.most_in_use <= LINES
    assert change is not None
    assert change.first_decision_s is not None
    assert change.first_decision_s < GUARD * 1.0


def test_parts_that_die_in_a_storm_leave_no_line_behind_and_let_nobody_in_too_much(
    capsys: pytest.CaptureFixture[str],
) -> None:
    report = _drill(_storm(87, kills=KILLS, kill_every_s=20), capsys)  # a busy machine needs 12 s for Redis
    assert [one.what for one in report.recoveries] == list(KILLS)
    assert all(one.equal_after_s is not None and one.equal_after_s < GUARD * 30 for one in report.recoveries)
    assert report.by_node > 0  # without Redis the nodes let calls in
    assert all(site.lines == site.counted == site.channels == 0 for site in report.books.leftovers)
