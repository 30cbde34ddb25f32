"""The drill of the routing (`tieline lab drill routing`), at a small size: every way to fail once.

Goals in seconds are not judged here: what was measured on a calm machine is in docs/evidence.
"""

import pytest

from lab.routing_drill import drill_routing
from lab.routing_faults import WAYS
from lab.routing_report import Drill
from tests.live import instance

pytestmark = [pytest.mark.live, pytest.mark.timeout(400)]

SEED = 20261121


def test_no_call_is_lost_or_offered_twice_over_matchers_that_die_and_every_talk_is_explained(
    capsys: pytest.CaptureFixture[str],
) -> None:
    report = drill_routing(instance.DRILL, Drill(48, 4.0, SEED, len(WAYS)), print)
    with capsys.disabled():
        print(f"\nrouting: seed {SEED}, {report.answered} talks, take-over {report.median_take_over_s} s")
    assert report.differences == (), report.differences
    assert [fault.how for fault in report.faults] == list(WAYS)
    assert all(fault.acts_after_s is not None for fault in report.faults)
    assert report.decisions >= report.answered - report.apart.by_net > 0
    assert (report.apart.by_net, report.apart.after_by_net) == (report.apart.calls, 0)
