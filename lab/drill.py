"""The commands `tieline lab drill …`: load on a lab of its own, and the books afterwards."""

import asyncio
import shutil
import sys
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Final

import click
import msgspec
from rich.console import Console
from rich.table import Table

from lab.books import Difference
from lab.burden import shares
from lab.client import LabClient
from lab.drive import Report, run_calls
from lab.errors import LabError
from lab.mix import AGENT_TALKS_MS, RING_MS, Phones, agents_text, seats
from lab.phones import PhoneGroup
from lab.plan import HOME, DatabaseKind, LabPlan, state_of
from lab.root import Say
from lab.samples import quotas_with_full_city
from lab.scripts import Answers, NeverAnswers, PhoneScript
from lab.setup import make_plan, prepare
from tieline.command_line import errors_told
from tieline.model import AgentId, SiteId

FEWEST: Final = 40
MOST: Final = 3000
"""At low rates one SIPp plays two thirds of them (`lab.calls.MOST_CALLS`)."""
_SHOWN: Final = 40
WRAP_UP_S: Final = 0.5
_PHONES: Final[dict[Phones, PhoneScript]] = {
    Phones.BRISK: Answers(ring_ms=RING_MS, talk_ms=AGENT_TALKS_MS),
    Phones.SLOW: NeverAnswers(),
    Phones.PATIENT: Answers(ring_ms=RING_MS),
}


@click.group()
def drill() -> None:
    """Load and faults, with the books afterwards."""


@drill.command()
@click.option("--instance", type=click.IntRange(0, 254), default=0, envvar="TIELINE_LOOPBACK_INSTANCE")
@click.option("--json", "as_json", is_flag=True, help="Write the result as JSON; progress goes to standard error.")
@click.option("--count", type=click.IntRange(FEWEST, MOST), default=2000, show_default=True)
@click.option("--rate", "rate_per_s", type=click.FloatRange(0.5, 100), default=40.0, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed makes the same calls.")
@click.option("--database", type=click.Choice(["sqlite", "postgresql"]), default="sqlite", show_default=True)
def calls(instance: int, as_json: bool, count: int, rate_per_s: float, seed: int, database: DatabaseKind) -> None:
    """Bring a lab up, make COUNT calls at RATE a second, balance the books, take the lab down. 1 when they differ."""
    console = Console(stderr=as_json)

    def say(line: str) -> None:
        console.print(f"[dim]{line}[/dim]", highlight=False)

    with errors_told(as_json=as_json):
        report = drill_calls(instance, count, rate_per_s, seed, say, database=database)
    show(console, report)
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode({"ok": report.is_well, "report": report})).decode())
    sys.exit(not report.is_well)


def drill_plan(instance: int, say: Say, *, database: DatabaseKind = "sqlite") -> LabPlan:
    """Plan the drill's lab: the example with one city short of lines and all seats staffed."""
    store = HOME / ".tieline"
    state = state_of(store, instance)
    state.mkdir(parents=True, exist_ok=True, mode=0o700)
    forget(state)
    quotas_file, agents_file = state / "quotas.toml", state / "agents.toml"
    quotas_file.write_text(quotas_with_full_city((HOME / "examples/quotas.toml").read_text()))
    staff = seats(tomllib.loads((HOME / "examples/agents.toml").read_text())["agent"])
    agents_file.write_text(agents_text([table for table, _ in staff]))
    groups: dict[SiteId, dict[Phones, list[AgentId]]] = {}
    for table, phones in staff:
        groups.setdefault(SiteId(table["site"]), {}).setdefault(phones, []).append(table["id"])
    plan = make_plan(
        instance,
        say,
        store=store,
        agents_file=agents_file,
        quotas_file=quotas_file,
        database=database,
        phones={
            site: tuple(PhoneGroup(f"{site}-{kind}", tuple(names), _PHONES[kind]) for kind, names in kinds.items())
            for site, kinds in groups.items()
        },
    )
    return replace(plan, wrap_up_s=WRAP_UP_S)


def forget(state: Path) -> None:
    """Remove what earlier runs wrote, so that the books are about this one (and of this version's form)."""
    for name in ("journal", "recordings"):
        shutil.rmtree(state / name, ignore_errors=True)
    for path in state.glob("tieline.sqlite*"):
        path.unlink()


def drill_calls(
    instance: int, count: int, rate_per_s: float, seed: int, say: Say, *, database: DatabaseKind = "sqlite"
) -> Report:
    """Run the whole drill in a lab of its own; the lab is down afterwards.

    Raises:
        LabError: The lab did not come up, or calls could not be made at all.
    """
    LabClient(state_of(HOME / ".tieline", instance)).down()
    plan = drill_plan(instance, say, database=database)
    client = LabClient(plan.state)
    answer = client.up(prepare(plan, say), say)
    try:
        if not answer.ok:
            raise LabError("; ".join(part.reason for part in answer.parts if part.reason))
        return asyncio.run(run_calls(client, plan, count, rate_per_s, seed, say))
    finally:
        client.down()


def show(console: Console, report: Report) -> None:
    """Print what a drill found."""
    books, sound, cost = report.books, report.sound, report.burden
    table = Table("", "", title=f"{report.count} calls at {report.rate_per_s:g}/s", show_header=False)
    rows = {
        "placed by callers": f"{books.placed}, {books.scripted} as scripted",
        "offered at the edge": str(books.offered),
        "answered + abandoned + refused": f"{books.answered} + {books.abandoned} + {books.refused}",
        "tickets": f"{books.tickets} of {books.tickets_needed} needed",
        "rated, recorded": f"{books.rated}, {books.recorded}",
        "length of a call": f"mean {books.mean_s} s, longest {books.longest_s} s",
        "sound": f"{sound.packets} packets in {sound.counted} calls; {sound.decoded} calls decoded",
        "CPU": ", ".join(f"{kind} {share:.0%}" for kind, share in shares(cost).items()),
        "left over": "; ".join(_left(site) for site in books.leftovers),
    }
    for name, value in rows.items():
        table.add_row(name, value)
    console.print(table)
    differences: tuple[Difference, ...] = (*books.differences, *sound.differences)
    for one in differences[:_SHOWN]:
        console.print(f"[red]{one.call}[/red] {one.what}", highlight=False)
    if len(differences) > _SHOWN:
        console.print(f"[red]… and {len(differences) - _SHOWN} more[/red]")
    for fault in report.faults[:_SHOWN]:
        console.print(fault, markup=False, highlight=False)


def _left(site: msgspec.Struct) -> str:
    counts = msgspec.structs.asdict(site)
    left = ", ".join(f"{name} {count}" for name, count in counts.items() if name != "site" and count)
    return f"{counts['site']}: {left or 'nothing'}"


if __name__ == "__main__":
    drill()
