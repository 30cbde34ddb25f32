"""The commands `tieline lab …`, mounted by `lab.cli`."""

import json
import os
from collections import Counter
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, Final

import click
from rich.console import Console
from rich.table import Table

from lab.calls import CallResult, CallRun, RunResult, place_calls, some_callers
from lab.client import LabClient
from lab.demo import demo
from lab.drill import drill
from lab.errors import LabError
from lab.link import cut, heal
from lab.ordinary import caller_script, storm_of
from lab.own_network import netns_command
from lab.plan import HOME, state_of
from lab.root import ensure_root
from lab.routing_cli import routing as drill_routing
from lab.second_node import topology_with_second_node
from lab.setup import load_plan, make_plan, prepare
from lab.storm_cli import storm as drill_storm
from lab.supervisor import Answer, Request
from tieline.command_line import errors_told
from tieline.model import Business, CityId, DialectId, SiteId

STORE: Final = HOME / ".tieline"
CALLS_PER_S: Final = 5.0

Command = Callable[..., Any]


def common(command: Command) -> Command:
    """Add `--instance` and `--json`; errors are told as JSON where the result is."""

    @click.option(
        "--instance",
        type=click.IntRange(0, 254),
        default=0,
        envvar="TIELINE_LOOPBACK_INSTANCE",
        help="Which lab: several run side by side.",
    )
    @click.option("--json", "as_json", is_flag=True, help="Write the result as JSON.")
    @wraps(command)
    def run(*args: Any, as_json: bool, **options: Any) -> None:
        with errors_told(as_json=as_json):
            command(*args, as_json=as_json, **options)

    return run


@click.group()
def lab() -> None:
    """Two centres, an edge, agents and callers on this machine, all real."""


@lab.command()
@common
@click.option("--database", type=click.Choice(["sqlite", "postgresql"]), default="sqlite", show_default=True)
@click.option("--second-node", "second", multiple=True, metavar="SITE", help="Give a site a second Asterisk.")
@click.option("--netns", is_flag=True, help="In a network namespace of its own. Always so without root.")
def up(instance: int, as_json: bool, database: Any, second: tuple[str, ...], netns: bool) -> None:
    """Start everything and wait until it is ready."""
    say = _progress(as_json)
    plan = make_plan(instance, say, topology_file=_topology_file(instance, second), database=database)
    client = LabClient(plan.state)
    # Before anything is prepared: preparing removes what a dead lab left, and a living one needs it.
    client.expect_down()
    answer = client.up(prepare(plan, say), say, wrapper=netns_command() if netns or os.geteuid() else ())
    _show_status(answer, as_json)
    if not answer.ok:
        raise SystemExit(1)


def _topology_file(instance: int, second: tuple[str, ...]) -> Path:
    """Give the example's topology, or a copy in the lab's own directory in which sites have a second node."""
    example = HOME / "examples/fujian.toml"
    if not second:
        return example
    text = example.read_text(encoding="utf-8")
    for site in second:
        text = topology_with_second_node(text, SiteId(site))
    path = state_of(STORE, instance) / "topology.toml"
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.write_text(text, encoding="utf-8")
    return path


@lab.command()
@common
def down(instance: int, as_json: bool) -> None:
    """End everything; nothing is left running or mounted."""
    LabClient(state_of(STORE, instance)).down()
    click.echo(json.dumps({"ok": True}) if as_json else "the lab is down")


@lab.command()
@common
def status(instance: int, as_json: bool) -> None:
    """Show every part, and what listens where. Ends with 1 when something is not well."""
    answer = LabClient(state_of(STORE, instance)).ask(Request(do="status"))
    _show_status(answer, as_json)
    if not answer.ok or answer.exposed:
        raise SystemExit(1)


@lab.command()
@common
@click.option("--city", required=True, help="City id of the topology.")
@click.option("--dialect", default="mandarin", show_default=True)
@click.option("--business", type=click.Choice([str(item) for item in Business]), default="repair", show_default=True)
@click.option("--abandon", type=click.Choice(["menu", "waiting", "ring"]), help="Where the caller hangs up early.")
@click.option("--talk", "talk_s", type=click.FloatRange(0, 600), default=6.0, show_default=True)
@click.option("--count", type=click.IntRange(1, 500), default=1, show_default=True, help="Calls, five a second.")
def call(
    instance: int,
    as_json: bool,
    city: str,
    dialect: str,
    business: str,
    abandon: str | None,
    talk_s: float,
    count: int,
) -> None:
    """Place a call as a customer of a city: keys, tone, hang-up after TALK seconds from the last key."""
    plan = load_plan(instance, STORE)
    script = caller_script(plan, CityId(city), DialectId(dialect), Business(business), abandon, talk_s)
    run = CallRun(
        city=CityId(city), script=script, callers=some_callers(plan, CityId(city), count), rate_per_s=CALLS_PER_S
    )
    _show_run(place_calls(LabClient(plan.state), plan, run), as_json)


@lab.command()
@common
@click.option("--city", required=True, help="City id of the topology.")
@click.option(
    "--factor", type=click.FloatRange(0.1, 100), default=10.0, show_default=True, help="Times calm traffic."
)
@click.option("--seconds", type=click.FloatRange(1, 600), default=30.0, show_default=True)
def storm(instance: int, as_json: bool, city: str, factor: float, seconds: float) -> None:
    """Let a city call FACTOR times as often as on a calm day (calm: 1 call a second for 10 million customers).

    A refused call is as scripted, too.
    """
    plan = load_plan(instance, STORE)
    run = storm_of(plan, CityId(city), factor, seconds)
    _show_storm(place_calls(LabClient(plan.state), plan, run), as_json)


def _drill(name: str, summary: str) -> None:
    @lab.command(name, help=summary)
    @common
    @click.argument("part")
    def drill(instance: int, as_json: bool, part: str) -> None:
        answer = LabClient(state_of(STORE, instance)).ask(Request(do=name, name=part), timeout_s=120)
        _show_status(answer, as_json)


_drill("kill", "Kill a part (SIGKILL), as a crash would.")
_drill("freeze", "Freeze a part (SIGSTOP): it is there and does not answer.")
_drill("thaw", "Let a frozen part go on.")
_drill("halt", "Stop a part and keep it stopped.")
_drill("start", "Start a part that was stopped or has failed.")


@lab.command("cut")
@common
@click.argument("link")
def cut_link(instance: int, as_json: bool, link: str) -> None:
    """Cut the LINK between two sites, e.g. fuzhou-xiamen: packets vanish. Needs a lab started with --netns."""
    sites = load_plan(instance, STORE).topology.sites
    pairs = {f"{one}-{other}": (one, other) for one in sites for other in sites if one != other}
    if link not in pairs:
        raise LabError(f"no link {link!r}; there are {', '.join(pairs)}")
    one, other = pairs[link]
    cut(LabClient(state_of(STORE, instance)), sites[one], sites[other])
    click.echo(json.dumps({"ok": True}) if as_json else f"{link} is cut; `tieline lab heal` joins it again")


@lab.command("heal")
@common
def heal_links(instance: int, as_json: bool) -> None:
    """Join again whatever was cut."""
    heal(LabClient(state_of(STORE, instance)))
    click.echo(json.dumps({"ok": True}) if as_json else "nothing is cut")


@lab.command()
@common
def root(instance: int, as_json: bool) -> None:
    """Make the private root when there is none, and say where it is."""
    del instance
    path = ensure_root(STORE / "roots", _progress(as_json))
    click.echo(json.dumps({"ok": True, "root": str(path)}) if as_json else str(path))


def _progress(as_json: bool) -> Callable[[str], None]:
    def say(line: str) -> None:
        click.echo(line, err=True)

    return (lambda _line: None) if as_json else say


def _show_status(answer: Answer, as_json: bool) -> None:
    if as_json:
        parts = [{name: getattr(part, name) for name in part.__struct_fields__} for part in answer.parts]
        click.echo(
            json.dumps(
                {
                    "ok": answer.ok,
                    "up_s": answer.up_s,
                    "parts": parts,
                    "listening": answer.listening,
                    "exposed": answer.exposed,
                }
            )
        )
        return
    table = Table("part", "state", "pid", "restarts", "remark")
    for part in answer.parts:
        table.add_row(part.name, str(part.state), str(part.pid or ""), str(part.restarts or ""), part.reason)
    console = Console()
    console.print(table)
    if answer.listening:
        console.print(f"listening: {', '.join(answer.listening)}", highlight=False)
    for address in answer.exposed:
        console.print(f"[red]reachable from outside: {address}[/red]")


def _show_run(run: RunResult, as_json: bool) -> None:
    if as_json:
        calls = [
            {"from": call.caller.from_, "scripted": call.is_scripted, "moments_ms": dict(call.moments)}
            for call in run.calls
        ]
        click.echo(json.dumps({"ok": run.is_scripted, "calls": calls, "faults": run.faults}))
    else:
        for call in run.calls:
            moments = ", ".join(f"{what} {at / 1000:.2f} s" for what, at in call.moments)
            click.echo(f"{call.caller.from_}: {'as scripted' if call.is_scripted else 'NOT as scripted'}: {moments}")
        if run.faults:
            click.echo(run.faults, err=True)
    if not run.is_scripted:
        raise SystemExit(1)


def _show_storm(run: RunResult, as_json: bool) -> None:
    """Count instead of telling each call: a storm has hundreds."""
    ends = Counter(_end_of(call) for call in run.calls)
    if as_json:
        click.echo(json.dumps({"ok": run.is_scripted, "placed": len(run.calls), **ends, "faults": run.faults}))
    else:
        click.echo(f"{len(run.calls)} calls: " + ", ".join(f"{count} {end}" for end, count in ends.items()))
        if run.faults:
            click.echo(run.faults, err=True)
    if not run.is_scripted:
        raise SystemExit(1)


def _end_of(call: CallResult) -> str:
    if not call.is_scripted:
        return "failed"
    return "refused" if "refused" in dict(call.moments) else "answered"


lab.add_command(demo)
drill.add_command(drill_storm)
drill.add_command(drill_routing)
lab.add_command(drill)
