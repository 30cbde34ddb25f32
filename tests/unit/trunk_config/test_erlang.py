"""Erlang's loss formula against published values."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunk_config.erlang import LOAD_AT_MOST, lines_for, load_for, loss_of

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("load", "lines", "loss"),
    [
        (20, 30, 0.00846),
        (1, 1, 0.5),  # A / (1 + A)
        (2, 2, 0.4),  # (A²/2) / (1 + A + A²/2)
        (0, 5, 0.0),
        (0, 0, 1.0),
        (7, 0, 1.0),
        (149.0, 120, 0.2165),
        (418.8, 240, 0.4301),
    ],
)
def test_known_losses(load: float, lines: int, loss: float) -> None:
    assert loss_of(load, lines) == pytest.approx(loss, abs=5e-5)


@pytest.mark.parametrize(
    ("lines", "load"),
    [(30, 20.34), (60, 46.95), (90, 74.68), (120, 102.96), (150, 131.58), (210, 189.42), (240, 218.56)],
)
def test_what_whole_e1s_carry_at_one_percent(lines: int, load: float) -> None:
    assert load_for(lines, 0.01) == pytest.approx(load, abs=0.005)


@pytest.mark.parametrize(
    ("load", "lines"),
    [(12.4, 21), (4.9, 11), (4.6, 11), (4.4, 10), (6.1, 13), (14.1, 23), (8.3, 16), (0.0, 0), (1e-9, 1)],
)
def test_lines_for_one_percent(load: float, lines: int) -> None:
    assert lines_for(load, 0.01) == lines


def test_nobody_needs_lines_for_a_loss_of_all() -> None:
    assert lines_for(50, 1.0) == 0


@given(st.floats(0.01, 2000), st.floats(0.0001, 0.9))
def test_lines_are_the_fewest(load: float, loss: float) -> None:
    lines = lines_for(load, loss)
    assert loss_of(load, lines) <= loss < loss_of(load, lines - 1)


@given(st.integers(1, 400), st.floats(0.0001, 0.9))
def test_load_and_loss_are_inverse(lines: int, loss: float) -> None:
    assert loss_of(load_for(lines, loss), lines) == pytest.approx(loss, rel=1e-6)


def test_bounds() -> None:
    for loss in (0.0, -0.1, 1.1, float("nan")):
        with pytest.raises(ValueError, match="loss"):
            lines_for(10, loss)
    for loss in (0.0, 1.0, float("nan")):
        with pytest.raises(ValueError, match="loss"):
            load_for(10, loss)
    for load in (-1.0, LOAD_AT_MOST * 2, float("inf"), float("nan")):
        with pytest.raises(ValueError, match="load"):
            lines_for(load, 0.01)
