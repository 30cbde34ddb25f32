"""The bench of admission runs whole, on a small scale; its figures depend on the machine and are not judged."""

import pytest

from bench import admit
from bench.admit_redis import rate_in

pytestmark = pytest.mark.component


def test_every_figure_is_measured_and_no_line_is_refused() -> None:
    result = admit.run(rounds=1, pairs=200, runs=500, paced_s=0.05)
    assert set(result.figures) == {
        "pairs_tieline",
        "pairs_redis_benchmark",
        "rate_of_redis_benchmark",
        "p50_at_1000_per_s",
        "p99_at_1000_per_s",
        "rate_250_cities_of_10",
        "rate_1000_cities_of_10",
    }
    assert all(found.value > 0 for found in result.figures.values())
    assert result.versions["redis-server"][0].isdigit()


def test_a_redis_benchmark_that_fails_is_no_figure() -> None:
    assert rate_in('"test","rps","avg_latency_ms"\n"EVALSHA x","1234.50","0.1"\n') == 1234.5
    with pytest.raises(RuntimeError, match="NOSCRIPT"):
        rate_in('"test","rps"\nError from server: NOSCRIPT\n')
