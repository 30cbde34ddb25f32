"""Erlang's loss formula: offered load, lines and loss of one group of lines. Pure.

Offered load is in Erlang: calls per second times the mean holding time in seconds. Callers who are refused go away;
whoever tries again is new load.

Source:
    A. K. Erlang 1917; the recursion is in ITU-T E.501 and in domain-facts (e).
"""

from typing import Final

LOAD_AT_MOST: Final = 100_000.0
"""Erlang; above that a number is a slip of the hand."""


def loss_of(load_erlang: float, lines: int) -> float:
    """Give the share of calls that find all lines in use (Erlang B), 0 to 1.

    B(A, 0) = 1, B(A, n) = A·B(A, n-1) / (n + A·B(A, n-1)): every step is a sum and a quotient of positive numbers, so
    nothing is lost to rounding.

    Args:
        load_erlang: Offered load, 0 or more.
        lines: 0 or more.

    >>> round(loss_of(20, 30), 5)
    0.00846
    """
    loss = 1.0
    for line in range(1, lines + 1):
        loss = load_erlang * loss / (line + load_erlang * loss)
    return loss


def lines_for(load_erlang: float, loss: float) -> int:
    """Give the fewest lines that lose no more than `loss` of an offered load.

    Args:
        load_erlang: Offered load, 0 or more.
        loss: Above 0, at most 1.

    Raises:
        ValueError: The loss is not within its bounds, or the load is negative or above `LOAD_AT_MOST`.

    >>> lines_for(12.4, 0.01)
    21
    """
    if not 0 < loss <= 1:
        raise ValueError(f"loss {loss} is not above 0 and at most 1")
    if not 0 <= load_erlang <= LOAD_AT_MOST:
        raise ValueError(f"load {load_erlang} is not between 0 and {LOAD_AT_MOST:g} Erlang")
    if not load_erlang:
        return 0
    lines, now = 0, 1.0
    while now > loss:
        lines += 1
        now = load_erlang * now / (lines + load_erlang * now)
    return lines


def load_for(lines: int, loss: float) -> float:
    """Give the offered load in Erlang that a group of lines carries with just this loss.

    Args:
        lines: 0 or more.
        loss: Above 0, below 1.

    Raises:
        ValueError: The loss is not within its bounds.

    >>> round(load_for(30, 0.01), 1)
    20.3
    """
    if not 0 < loss < 1:
        raise ValueError(f"loss {loss} is not between 0 and 1")
    low, high = 0.0, lines / (1 - loss)  # what is carried, load·(1 - loss), cannot be more than the lines
    for _ in range(60):
        middle = (low + high) / 2
        if loss_of(middle, lines) > loss:
            high = middle
        else:
            low = middle
    return low
