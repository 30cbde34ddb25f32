"""The servers that `tieline bench agi` compares do the same work, and the load sees when one does not."""

import pytest

from bench._measure import Subject, subject
from bench.agi_load import Generator, Load

pytestmark = pytest.mark.component


@pytest.mark.parametrize("name", ["bare", "tieline", "panoramisk"])
def test_every_subject_plays_whole_sessions(name: str) -> None:
    with subject("bench.agi_subjects", name, cpu=None) as server:
        before = server.cpu_ns()
        load = _sessions(server, 60)
        assert (len(load.latencies_s), len(load.connects_s), load.failed) == (60, 60, 0)
        assert server.cpu_ns() > before


def test_good_calls_go_on_among_bad_peers() -> None:
    with (
        subject("bench.agi_subjects", "tieline", cpu=None) as server,
        subject("bench.agi_bad_peers", server.ready, "50", cpu=None) as bad,
    ):
        assert bad.ready == "there"
        assert int(bad.ask()) >= 50
        assert _sessions(server, 60).failed == 0
        while int(bad.ask()) < 80:  # those that ended are back: three kinds of five end at once
            assert _sessions(server, 60).failed == 0


def test_a_server_that_closes_early_is_counted_as_failing() -> None:
    with subject("tests.component.bench.rude", cpu=None) as server:
        load = _sessions(server, 5)
        assert load.failed == 5
        assert not load.latencies_s


def test_a_subject_that_does_not_start_is_an_error() -> None:
    with pytest.raises(RuntimeError, match="did not start"), subject("tests.component.bench", cpu=None):
        pass


def _sessions(server: Subject, count: int) -> Load:
    return Generator(int(server.ready), at_once=20, within_s=10).run(count)
