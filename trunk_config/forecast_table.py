"""A forecast as a table for people at a terminal."""

from collections.abc import Iterator, Mapping

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from trunk_config.forecast import CityForecast, Comparison, Forecast


def forecast_table(found: Comparison) -> RenderableType:
    """Show each city's load, the lines it needs, and its loss now and as proposed."""
    table = Table(
        title=f"{found.site}, {found.lines} lines: forecast", box=SIMPLE_HEAD, pad_edge=False, collapse_padding=True
    )
    table.add_column("city", no_wrap=True)
    sets = dict(zip(("now", "then"), _sets(found), strict=False))
    goal = f"{found.loss_goal * 100:g} %"
    names = ["load\nErlang", f"lines\nfor {goal}"]
    names += [f"{when}\n{what}" for when in sets for what in ("kept/most", "loss")]
    for name in names:
        table.add_column(name, justify="right", no_wrap=True)
    rows = [{city.city: city for city in one.cities} for one in sets.values()]
    for city in found.present.cities:
        cells = [cell for row in rows for cell in _cells(row.get(city.city), found.loss_goal)]
        table.add_row(_name(city, found), f"{city.load_erlang:.2f}", str(city.lines_needed), *cells)
    table.add_section()
    totals = [cell for one in sets.values() for cell in ("", _share(one.loss))]
    table.add_row("all", f"{found.present.load_erlang:.2f}", "", *totals)
    return Group(table, *map(Text, _notes(found, sets, goal)))


def _sets(found: Comparison) -> list[Forecast]:
    return [found.present, found.proposed] if found.proposed else [found.present]


def _cells(city: CityForecast | None, goal: float) -> tuple[str, str]:
    if city is None:
        return "none", ""
    shown = _share(city.loss) if city.load_erlang else "-"
    too_much = city.load_erlang and city.loss > goal
    return f"{city.reserve}/{city.limit}", f"[red]! {shown}[/red]" if too_much else shown


def _name(city: CityForecast, found: Comparison) -> str:
    factor = found.factors.get(city.city)
    return city.city if factor is None else f"{city.city} x {factor:g}"


def _share(loss: float) -> str:
    if 0 < loss < 0.0001:
        return "< 0.01 %"
    return f"{loss * 100:.2f} %" if loss < 0.01 else f"{loss * 100:.1f} %"


def _notes(found: Comparison, sets: Mapping[str, Forecast], goal: str) -> Iterator[str]:
    for when, one in sets.items():
        yield f"{when}: {one.name}; {one.lines_in_use:.1f} lines in use on the mean"
    yield f"loads: {found.loads_from}"
    yield f"most: the cap, or the access when that is smaller; !: a loss above {goal}"
