"""Times as people type them; without an offset they are China's."""

from datetime import datetime

import pytest

from tieline.clock import CHINA
from tieline.moment import read_moment

pytestmark = pytest.mark.unit

NOW = datetime(2026, 11, 21, 16, 30, tzinfo=CHINA).timestamp()


@pytest.mark.parametrize(
    ("text", "means"),
    [
        ("18:30", "2026-11-21T18:30:00+08:00"),
        ("16:30", "2026-11-22T16:30:00+08:00"),  # now is no time to come
        ("0:05", "2026-11-22T00:05:00+08:00"),
        ("2026-11-23 08:00", "2026-11-23T08:00:00+08:00"),
        ("2026-11-23T08:00", "2026-11-23T08:00:00+08:00"),
        ("2026-11-23T00:00:00Z", "2026-11-23T08:00:00+08:00"),
        ("2020-01-01 00:00", "2020-01-01T00:00:00+08:00"),  # past: refused by whoever asked, with his own reason
        ("+90m", "2026-11-21T18:00:00+08:00"),
        ("+3h", "2026-11-21T19:30:00+08:00"),
        (" +2d ", "2026-11-23T16:30:00+08:00"),
    ],
)
def test_a_time(text: str, means: str) -> None:
    assert read_moment(text, NOW) == datetime.fromisoformat(means).timestamp()


@pytest.mark.parametrize(
    "text", ["", "soon", "25:00", "18:60", "18", "+3", "+3w", "3h", "1e9", "٣:٠٠", "2026-13-01", "+99999d"]
)
def test_no_time(text: str) -> None:
    with pytest.raises(ValueError, match="is no time: write `18:30`"):
        read_moment(text, NOW)


@pytest.mark.parametrize(
    ("text", "means"),
    [
        ("18:30", "2026-11-20T18:30:00+08:00"),
        ("16:30", "2026-11-21T16:30:00+08:00"),
        ("-3h", "2026-11-21T13:30:00+08:00"),
    ],
)
def test_a_time_that_was(text: str, means: str) -> None:
    assert read_moment(text, NOW, past=True) == datetime.fromisoformat(means).timestamp()
