"""A forecast as a picture (PNG or SVG). The only user of matplotlib, half a second to import: import this late.

Left: the lines of each city, what it needs, what is kept for it, what it may use at most. Right: the loss to be
expected, on a logarithmic scale, beside the goal. Colours are those of Okabe and Ito, which the colour-blind can tell
apart; shapes differ, too.
"""

import io
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

import matplotlib as mpl
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter

from tieline.model import CityId
from tieline.topology import City
from trunk_config.forecast import CityForecast, Comparison, Forecast

Format = Literal["png", "svg"]

CHINESE_FONTS: Final = (
    "Noto Sans CJK SC",
    "Noto Sans SC",
    "Source Han Sans SC",
    "WenQuanYi Zen Hei",
    "WenQuanYi Micro Hei",
    "Droid Sans Fallback",
    "SimHei",
    "Microsoft YaHei",
)
"""Tried in this order; without any of them cities have their English names only."""

_BLUE, _ORANGE, _SKY, _GREY, _INK = "#0072B2", "#D55E00", "#9BCDEA", "#E3E3E3", "#222222"
_LEAST_LOSS: Final = 1e-4
"""Where the scale begins: what is less is shown there."""
_INCHES_A_CITY: Final = 0.55
_DPI: Final = 150
_MARK: Final = 7.0


def render_plot(found: Comparison, cities: Mapping[CityId, City], form: Format) -> bytes:
    """Draw a forecast.

    Args:
        found: The forecast; cities without load are left out.
        cities: Of the topology, for their names.
        form: Of the picture.
    """
    font = maybe_chinese_font()
    shown = [city for city in found.present.cities if city.load_erlang] or list(found.present.cities)
    families = ["DejaVu Sans", font] if font else ["DejaVu Sans"]
    with mpl.rc_context({"font.family": families, "svg.hashsalt": "tieline", "text.color": _INK}):
        figure = Figure(figsize=(11.5, 2.3 + _INCHES_A_CITY * len(shown)), dpi=_DPI, layout="constrained")
        lines, loss = figure.subplots(1, 2, sharey=True, width_ratios=(1.15, 1))
        _draw_lines(lines, shown, found)
        _draw_loss(loss, shown, found)
        names = [_name(cities[city.city], found.factors.get(city.city), font is not None) for city in shown]
        lines.set_yticks(range(len(shown)), names)
        lines.set_ylim(len(shown) - 0.4, -0.6)
        figure.suptitle(_title(found), fontsize=13, fontweight="bold")
        figure.supxlabel(f"Loads: {found.loads_from}", fontsize=8, color="#555555")
        picture = io.BytesIO()
        figure.savefig(picture, format=form, metadata={"Date": None} if form == "svg" else None)
    return picture.getvalue()


def maybe_chinese_font() -> str | None:
    """Find a font of this machine that has Chinese characters."""
    here = {font.name for font in font_manager.fontManager.ttflist}
    return next((name for name in CHINESE_FONTS if name in here), None)


def _title(found: Comparison) -> str:
    offered = f"{found.present.load_erlang:.1f} Erlang offered to {found.lines} lines"
    return f"Forecast for site {found.site.title()}: {offered}"


def _name(city: City, factor: float | None, chinese: bool) -> str:
    name = f"{city.english} {city.name}" if chinese else city.english
    return name if factor is None else f"{name}\nload × {factor:g}"


def _draw_lines(axes: Axes, cities: Sequence[CityForecast], found: Comparison) -> None:
    rows = list(range(len(cities)))
    sets = list(_sets(found))
    limits = [_by_city(cities, {city.city: city.limit for city in one.cities}, unknown=0) for one, _, _ in sets]
    needed = [city.lines_needed for city in cities]
    axes.barh(rows, limits[0], height=0.66, color=_GREY, label="at most (cap or access)")
    axes.barh(rows, needed, height=0.34, color=_SKY, label=f"needed for {found.loss_goal * 100:g} % loss")
    ends = [max(ends) for ends in zip(needed, *limits, strict=True)]
    for row, city, end in zip(rows, cities, ends, strict=True):
        _write(axes, f"{city.load_erlang:.1f} Erl need {city.lines_needed}", (end, row))
    for place, (one, colour, marker) in enumerate(sets):
        kept = _by_city(cities, {city.city: city.reserve for city in one.cities}, unknown=0)
        aside = [row + _aside(place, len(sets)) / 2 for row in rows]
        axes.plot(kept, aside, marker, **_mark(colour), label=f"reserve, {one.name}")
        if place:
            axes.plot(
                limits[place],
                rows,
                "|",
                color=colour,
                markersize=0.66 * _INCHES_A_CITY * 72,
                label=f"at most, {one.name}",
            )
    axes.set_xlim(0, max(*ends, 1) * 1.3)
    axes.set_xlabel("Lines")
    _finish(axes)


def _draw_loss(axes: Axes, cities: Sequence[CityForecast], found: Comparison) -> None:
    axes.set_xscale("log")
    axes.set_xlim(_LEAST_LOSS * 0.8, 3.2)  # room for what is written beside the points; a share ends at 1
    axes.minorticks_off()
    axes.axvline(found.loss_goal, color=_INK, linestyle=(0, (4, 3)), linewidth=1, label=_goal(found))
    sets = list(_sets(found))
    for place, (one, colour, marker) in enumerate(sets):
        losses = _by_city(cities, {city.city: city.loss for city in one.cities}, unknown=1)
        rows = [row + _aside(place, len(sets)) for row in range(len(cities))]
        points = [max(loss, _LEAST_LOSS) for loss in losses]
        axes.hlines(rows, _LEAST_LOSS * 0.8, points, color=colour, linewidth=2, alpha=0.45)
        axes.plot(points, rows, marker, **_mark(colour), label=one.name)
        for row, loss, point in zip(rows, losses, points, strict=True):
            _write(axes, _percent(loss), (point, row))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value * 100:g} %"))
    axes.set_xlabel("Calls refused (share of the city's calls)")
    axes.tick_params(axis="y", length=0)
    _finish(axes)


def _sets(found: Comparison) -> Sequence[tuple[Forecast, str, str]]:
    """Give each set of quotas with its colour and shape."""
    present = (found.present, _BLUE, "o")
    return [present, (found.proposed, _ORANGE, "D")] if found.proposed else [present]


def _goal(found: Comparison) -> str:
    return f"goal {found.loss_goal * 100:g} %"


def _by_city(cities: Sequence[CityForecast], numbers: Mapping[CityId, float], *, unknown: float) -> list[float]:
    """Bring a set's numbers into the order of the rows; `unknown` is for a city that the set does not know."""
    return [numbers.get(city.city, unknown) for city in cities]


def _mark(colour: str) -> dict[str, Any]:
    return {"color": colour, "markersize": _MARK, "markeredgecolor": "white", "clip_on": False}


def _write(axes: Axes, text: str, point: tuple[float, float]) -> None:
    """Write beside a point; the ground hides lines that would cross the words."""
    ground = {"facecolor": "white", "edgecolor": "none", "pad": 0.8}
    axes.annotate(
        text, point, xytext=(8, 0), textcoords="offset points", va="center", fontsize=9, bbox=ground, zorder=2
    )


def _aside(place: int, sets: int) -> float:
    """Give how far off its city's row a set is drawn: equal values would hide each other."""
    return (place - (sets - 1) / 2) * 0.36


def _percent(value: float) -> str:
    return "< 0.01 %" if value < _LEAST_LOSS else f"{value * 100:.2g} %" if value < 0.1 else f"{value * 100:.0f} %"


def _finish(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="x", color="#DDDDDD", linewidth=0.6)
    axes.set_axisbelow(True)
    legend = axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, frameon=False, fontsize=9)
    for handle in legend.legend_handles:
        if isinstance(handle, Line2D):
            handle.set_markersize(_MARK)
