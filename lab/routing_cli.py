"""The command `tieline lab drill routing`."""

import sys
from typing import Final

import click
import msgspec
from rich.console import Console
from rich.table import Table

from lab.routing_drill import drill_routing
from lab.routing_report import Drill, RoutingReport
from tieline.command_line import errors_told

_SHOWN: Final = 40


@click.command()
@click.option("--instance", type=click.IntRange(0, 254), default=0, envvar="TIELINE_LOOPBACK_INSTANCE")
@click.option("--json", "as_json", is_flag=True, help="Write the result as JSON; progress goes to standard error.")
@click.option("--count", type=click.IntRange(20, 5000), default=1000, show_default=True)
@click.option("--rate", "rate_per_s", type=click.FloatRange(0.5, 50), default=8.0, show_default=True)
@click.option("--kill-matcher", "faults", type=click.IntRange(0, 100), default=20, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed makes the same calls.")
def routing(instance: int, as_json: bool, count: int, rate_per_s: float, faults: int, seed: int) -> None:
    """Make COUNT mixed calls at both sites while acting matchers are killed and frozen, then some without a matcher.

    Every talk must be explained by a decision, no agent or call be rung or offered twice, nothing be lost. Ends
    with 1 when anything differs.
    """
    console = Console(stderr=as_json)

    def say(line: str) -> None:
        console.print(f"[dim]{line}[/dim]", highlight=False)

    with errors_told(as_json=as_json):
        report = drill_routing(instance, Drill(count, rate_per_s, seed, faults), say)
    show(console, report)
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode({"ok": report.is_well, "report": report})).decode())
    sys.exit(not report.is_well)


def show(console: Console, report: RoutingReport) -> None:
    """Print what a drill showed."""
    table = Table("", "", title=f"{report.count} calls at {report.rate_per_s:g}/s", show_header=False)
    ends = ", ".join(f"{why} {count}" for why, count in report.withdrawn.items())
    rows = {
        "answered, left": f"{report.answered}, {report.left}",
        "in own dialect": f"{report.own_dialect} of {report.dialect_talks} dialect callers",
        "by the other site": str(report.crossed),
        "waited over 1 s": f"{report.waited}, at most {report.longest_wait_s} s",
        "offers": f"{report.decisions}; ended without a talk: {ends or 'none'}",
        "rang for nobody": f"{report.rang_for_nobody} calls, at most {report.rang_for_nobody_s} s",
        "take-overs": f"{len(report.faults)}, at most {report.longest_take_over_s} s, "
        f"median {report.median_take_over_s} s",
    }
    apart = report.apart
    rows |= {
        "without a matcher": f"{apart.by_net} of {apart.calls} by the net, at most {apart.longest_wait_s} s",
        "when it was back": f"{apart.after - apart.after_by_net} of {apart.after} by the matcher",
    }
    for name, value in rows.items():
        table.add_row(name, value)
    console.print(table)
    found = (*report.differences, *report.missed)
    for one in found[:_SHOWN]:
        console.print(f"[red]{one.call}[/red] {one.what}", highlight=False)
    if len(found) > _SHOWN:
        console.print(f"[red]… and {len(found) - _SHOWN} more[/red]")
    for fault in report.sipp[:_SHOWN]:
        console.print(fault, markup=False, highlight=False)
