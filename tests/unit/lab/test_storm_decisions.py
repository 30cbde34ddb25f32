"""Times of decisions, over servers that are killed and looks that find nothing."""

import pytest

from lab.storm_decisions import Decisions, decisions
from tieline.histogram import Buckets
from trunk_config.decision_times import ByVerdict

pytestmark = pytest.mark.unit


def counted(quick: int, slow: int = 0, *, verdict: str = "admit") -> ByVerdict:
    """So many decisions below a millisecond, and so many above 50."""
    return {verdict: Buckets((0.001, 0.05), (quick, 0, slow), quick * 0.0005 + slow * 0.06)}


def test_a_storm_without_decisions() -> None:
    assert decisions([{}, {}]) == Decisions(decided=0, by_node=0, mean_ms=0.0, p50_ms=None, p99_ms=None)


def test_what_the_newest_look_shows_is_all_there_was() -> None:
    looks = [{0: counted(3)}, {}, {0: counted(40), 1: counted(59)}, {1: counted(59, 1)}]
    assert decisions(looks) == Decisions(decided=100, by_node=0, mean_ms=1.095, p50_ms=1.0, p99_ms=1.0)
    assert decisions([*looks, {1: counted(59, 2)}]).p99_ms is None


def test_a_server_that_was_killed_keeps_what_it_had_counted() -> None:
    looks = [{0: counted(5)}, {0: counted(7)}, {0: counted(2)}, {0: counted(4)}, {0: counted(0, 1, verdict="group")}]
    told = decisions(looks)
    assert (told.decided, told.by_node) == (12, 1)
