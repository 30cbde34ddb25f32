"""The trade-off as a picture: 20 s level and calls answered in the own dialect, a panel a day. Import this late."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.queue_setup import QueueSetup
from bench.routing_measures import Measures
from bench.routing_rivals import COMMON, FAIR_RATIO, PLAIN
from bench.routing_simulate import Reference, Subject

_BLUE: Final = "#1f5fa8"
_GREY: Final = "#6b7280"
_RED: Final = "#b4232a"
_NAMES: Final[Mapping[Subject, str]] = {PLAIN: "sites alone", COMMON: "common set-up"}


def draw(found: Mapping[str, Mapping[Subject, Measures]], path: Path) -> None:
    """Write the picture (PNG or SVG, by the name's end)."""
    with mpl.rc_context({"svg.hashsalt": "tieline", "font.size": 9, "axes.spines.top": False}):
        figure = Figure(figsize=(4.2 * len(found), 4.4), layout="constrained")
        for position, (day, measures) in enumerate(found.items(), start=1):
            axes = figure.add_subplot(1, len(found), position)
            _draw_day(axes, measures)
            axes.set_title(day)
        handles, labels = figure.axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=min(5, 2 * len(found)), fontsize=8)
        figure.savefig(path, dpi=120)


def _draw_day(axes: Axes, found: Mapping[Subject, Measures]) -> None:
    queues = {setup: measures for setup, measures in found.items() if isinstance(setup, QueueSetup)}
    for label, colour, is_fair in (
        ("app_queue", _GREY, True),
        ("app_queue, a dialect waits too long", "white", False),
    ):
        chosen = [each for each in queues.values() if (each.p95_ratio <= FAIR_RATIO) is is_fair]
        axes.scatter(
            [100 * each.soon for each in chosen],
            [100 * each.own for each in chosen],
            color=colour,
            edgecolors=_GREY,
            s=28,
            label=label,
        )
    for setup, name in _NAMES.items():
        here = found[setup]
        axes.annotate(
            name, (100 * here.soon, 100 * here.own), xytext=(4, -10), textcoords="offset points", color=_GREY
        )
    matcher, pooled, ceiling = (found[each] for each in (Reference.MATCHER, Reference.POOLED, Reference.CEILING))
    axes.scatter([100 * matcher.soon], [100 * matcher.own], color=_BLUE, marker="D", s=60, label="matcher", zorder=3)
    axes.axhline(100 * ceiling.own, color=_RED, linewidth=1, linestyle="--", label="ceiling of own dialect")
    axes.axvline(100 * pooled.soon, color=_RED, linewidth=1, linestyle=":", label="pooled bound of 20 s")
    axes.set_xlabel("answered in 20 s, % of calls")
    axes.set_ylabel("answered in the own dialect, % of who asked")
