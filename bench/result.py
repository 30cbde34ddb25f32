"""What a bench found: figures with their goals, one JSON line, and the exit code that goes with it."""

import platform
from collections.abc import Iterable, Mapping
from importlib import metadata
from typing import Final, Literal

import msgspec

EXIT_MET: Final = 0
EXIT_MISSED: Final = 3
"""Everything was measured, and a goal was missed."""

Better = Literal["lower", "higher"]


class Figure(msgspec.Struct, frozen=True):
    """One measured value.

    Attributes:
        value: Rounded to six significant digits.
        unit: E.g. `us`, `ms`, `ratio`, `count`.
        goal: The bound that must be kept, or None for a value that is only told.
        better: Which way is better; a goal is kept when the value is equal to it or better.
        met: Whether the goal is kept; true without a goal.
    """

    value: float
    unit: str
    goal: float | None
    better: Better
    met: bool


def figure(value: float, unit: str, *, goal: float | None = None, better: Better = "lower") -> Figure:
    """Compare a value with its goal.

    >>> figure(2.0, "ratio", goal=2.5).met
    True
    """
    rounded = float(f"{value:.6g}")
    met = goal is None or (rounded <= goal if better == "lower" else rounded >= goal)
    return Figure(rounded, unit, goal, better, met)


class BenchResult(msgspec.Struct, frozen=True):
    """What `tieline bench NAME --json` prints, as one line.

    Attributes:
        bench: Name of the bench.
        figures: By name, in the order they are to be read.
        versions: Of Python and of every library that took part.
    """

    bench: str
    figures: Mapping[str, Figure]
    versions: Mapping[str, str]

    @property
    def exit_code(self) -> int:
        """0 when every goal is met, 3 when one is missed."""
        return EXIT_MET if all(found.met for found in self.figures.values()) else EXIT_MISSED

    def as_json(self) -> str:
        """Render as one line of JSON."""
        return msgspec.json.encode(self).decode()

    def as_text(self) -> str:
        """Render for reading: one figure a line, missed goals marked."""
        width = max(map(len, self.figures), default=0)
        lines = [f"{self.bench}  " + "  ".join(f"{name} {version}" for name, version in self.versions.items())]
        for name, found in self.figures.items():
            sign = "<=" if found.better == "lower" else ">="
            goal = "" if found.goal is None else f"  goal {sign} {found.goal:g}  {'met' if found.met else 'MISSED'}"
            lines.append(f"{name:<{width}}  {found.value:>12g} {found.unit}{goal}")
        return "\n".join(lines)


def versions_of(distributions: Iterable[str]) -> dict[str, str]:
    """Look up the versions of Python, the kernel and the given distributions."""
    found = {"python": platform.python_version(), "kernel": platform.release()}
    return found | {name: metadata.version(name) for name in distributions}
