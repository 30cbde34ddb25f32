"""The bench of assignments: what it measures really is an assignment each time."""

import pytest

from bench import match

pytestmark = pytest.mark.unit


def test_it_tells_both_kinds_of_each_size_and_how_much_slower_the_largest_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(match, "SIZES", ((5, 4), (20, 8)))
    monkeypatch.setattr(match, "WARM_UP", 5)
    said: list[str] = []
    found = match.run(rounds=1, times=20, say=said.append)
    times = {f"{kind}_{size}" for kind in ("freed", "arrived") for size in ("5x4", "20x8")}
    assert found.figures.keys() == times | {"largest_to_smallest"}
    assert all(figure.value > 0 for figure in found.figures.values())
    assert [name for name, figure in found.figures.items() if figure.goal is not None] == [
        "freed_20x8",
        "arrived_20x8",
        "largest_to_smallest",
    ]
    assert said == ["5 waiting calls, 4 agents", "20 waiting calls, 8 agents"]
