"""Figures against goals, the JSON line, and the exit code."""

import json

import pytest
from click.testing import CliRunner

from bench import agi, cli
from bench._measure import quantile
from bench.result import EXIT_MET, EXIT_MISSED, BenchResult, Better, Figure, figure

pytestmark = pytest.mark.unit

GOOD = figure(2.0, "ratio", goal=2.5)
MISSED = figure(1.0, "count", goal=2, better="higher")


@pytest.mark.parametrize(
    ("value", "goal", "better", "met"),
    [
        (2.5, 2.5, "lower", True),
        (2.6, 2.5, "lower", False),
        (2.5, 2.5, "higher", True),
        (2.4, 2.5, "higher", False),
        (9.9, None, "lower", True),
    ],
)
def test_goals(value: float, goal: float | None, better: Better, met: bool) -> None:
    assert figure(value, "us", goal=goal, better=better).met is met


def test_rounding_is_for_reading() -> None:
    assert figure(1.23456789, "us").value == 1.23457
    assert figure(123456789.0, "ns").value == 123457000.0


@pytest.mark.parametrize(("figures", "code"), [({"a": GOOD}, EXIT_MET), ({"a": GOOD, "b": MISSED}, EXIT_MISSED)])
def test_one_line_and_the_exit_code(figures: dict[str, Figure], code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    result = BenchResult("agi", figures, {"python": "3.11"})
    monkeypatch.setattr(agi, "run", lambda rounds: result)
    ran = CliRunner().invoke(cli.bench, ["agi", "--json", "--rounds", "1"])
    assert ran.exit_code == code
    assert ran.output.count("\n") == 1
    told = json.loads(ran.output)
    assert told["bench"] == "agi"
    assert told["versions"] == {"python": "3.11"}
    assert told["figures"]["a"] == {"value": 2.0, "unit": "ratio", "goal": 2.5, "better": "lower", "met": True}


def test_text_marks_missed_goals() -> None:
    text = BenchResult("agi", {"a": GOOD, "b": MISSED, "c": figure(1, "us")}, {}).as_text().splitlines()
    assert text[1].endswith("goal <= 2.5  met")
    assert text[2].endswith("goal >= 2  MISSED")
    assert text[3].endswith(" us")


def test_quantiles() -> None:
    values = [float(n) for n in range(1, 101)]
    assert [quantile(values, q) for q in (0.0, 0.5, 0.99, 1.0)] == [1.0, 50.0, 99.0, 100.0]
    assert quantile([7.0], 0.99) == 7.0
