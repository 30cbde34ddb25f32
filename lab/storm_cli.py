"""The command `tieline lab drill storm`."""

import sys

import click
import msgspec
from rich.console import Console
from rich.table import Table

from lab.books import Difference
from lab.storm import drill_storm
from lab.storm_decisions import Decisions
from lab.storm_faults import KILLS
from lab.storm_report import KILL_EVERY_S, Storm, StormReport
from tieline.command_line import errors_told
from tieline.model import CityId

_SHOWN = 40


def _kills(_context: click.Context, _option: click.Parameter, text: str) -> tuple[str, ...]:
    words = tuple(word for word in text.split(",") if word)
    if unknown := [word for word in words if word not in KILLS]:
        raise click.BadParameter(f"{', '.join(unknown)}: use {','.join(KILLS)}")
    return words


@click.command()
@click.option("--instance", type=click.IntRange(0, 254), default=0, envvar="TIELINE_LOOPBACK_INSTANCE")
@click.option("--json", "as_json", is_flag=True, help="Write the result as JSON; progress goes to standard error.")
@click.option("--city", default="fuzhou", show_default=True, help="City that is in storm.")
@click.option("--factor", type=click.FloatRange(1, 100), default=12.0, show_default=True, help="Times calm traffic.")
@click.option("--seconds", type=click.FloatRange(20, 600), default=60.0, show_default=True, help="New calls come.")
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed makes the same callers.")
@click.option("--kill", "kills", callback=_kills, default="", help=f"Kill these in turn: {','.join(KILLS)}.")
@click.option("--kill-every", "kill_every_s", type=click.FloatRange(5, 120), default=KILL_EVERY_S, show_default=True)
@click.option("--change", "changes", is_flag=True, help="Change the city's cap over HTTP in the middle.")
def storm(
    instance: int,
    as_json: bool,
    city: str,
    factor: float,
    seconds: float,
    seed: int,
    kills: tuple[str, ...],
    kill_every_s: float,
    changes: bool,
) -> None:
    """Bring a lab with few lines up, let CITY storm and the others call calmly, balance the books, take it down."""
    if kills and changes:
        raise click.UsageError("--kill or --change: the console that takes the change is among what is killed")
    console = Console(stderr=as_json)

    def say(line: str) -> None:
        console.print(f"[dim]{line}[/dim]", highlight=False)

    wanted = Storm(
        city=CityId(city),
        factor=factor,
        seconds=seconds,
        seed=seed,
        kills=kills,
        kill_every_s=kill_every_s,
        changes=changes,
    )
    with errors_told(as_json=as_json):
        report = drill_storm(instance, wanted, say)
    show(console, report)
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode({"ok": report.is_well, "report": report})).decode())
    sys.exit(not report.is_well)


def _times(decisions: Decisions) -> str:
    p50, p99 = ("above 50" if value is None else f"{value:g}" for value in (decisions.p50_ms, decisions.p99_ms))
    return f"{decisions.decided}: p50 {p50} ms, p99 {p99} ms; {decisions.by_node} left to a node"


def show(console: Console, report: StormReport) -> None:
    """Print what a storm showed."""
    books = report.books
    table = Table("", "", title=f"{report.city} x {report.factor:g}, {report.seconds:g} s", show_header=False)
    rows = {
        "calls": f"{books.placed}: {books.admitted} admitted, {books.refused} refused",
        "refused with cause 42": str(books.by_platform),
        "calm cities": f"{books.calm} calls, {books.calm_refused} refused",
        "told why": f"{books.with_message}, at most {books.most_messages} at once",
        "lines": f"at most {report.most_in_use} of {report.lines}, {report.looks} looks",
        "let in by a node's count": str(report.by_node),
        "decisions": _times(report.decisions),
        "tickets": f"{books.tickets} of {books.tickets_needed} needed",
        "cut by a dead node, dropped": f"{books.cut}, {books.dropped}",
    }
    rows |= {
        f"killed {one.part}": f"lines are the channels after {one.equal_after_s} s; at most {one.most_channels} calls"
        for one in report.recoveries
    }
    if report.change:
        rows["change"] = (
            f"version {report.change.version}: answered after {report.change.answered_s} s, "
            f"first decision after {report.change.first_decision_s} s"
        )
    for name, value in rows.items():
        table.add_row(name, value)
    console.print(table)
    differences: tuple[Difference, ...] = (*books.differences, *report.differences)
    lines = [f"[red]{one.call}[/red] {one.what}" for one in differences]
    lines += [f"[red]over-admitted[/red] {one}" for one in report.over_admitted]
    for line in lines[:_SHOWN]:
        console.print(line, highlight=False)
    if len(lines) > _SHOWN:
        console.print(f"[red]… and {len(lines) - _SHOWN} more[/red]")
    for fault in report.faults[:_SHOWN]:
        console.print(fault, markup=False, highlight=False)
