"""The demo: bring the lab up, place the sample calls, tell what happened to each, balance the books, stay up."""

import asyncio
import contextlib
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from typing import Final

import click
from rich.console import Console
from rich.table import Table

from crm_adapter.policy import UNKNOWN, load_policy
from lab.calls import CallRun, RunResult, place_calls, some_callers
from lab.client import LabClient
from lab.errors import LabError
from lab.keys import keys_for
from lab.listening import listening
from lab.own_network import is_alone, netns_command
from lab.plan import HOME, LabPlan, state_of
from lab.root import Say
from lab.samples import PHONES, SAMPLES, Sample, quotas_with_full_city, sample_script
from lab.setup import make_plan, prepare, run_tieline, willing_phones
from lab.story import Stories, Story, tally
from routing.agents import load_agents
from tieline.command_line import errors_told
from tieline.database import Database, create_schema
from tieline.settings import load_settings
from trunk_config.desk import Desk
from trunk_config.profiles import NORMAL, load_profiles

_SETTLED_S: Final = 20.0
_LOOK_S: Final = 0.1
_TIELINE: Final = ".venv/bin/tieline"
"""As who has just run `make demo` can type it."""


@dataclass(frozen=True, slots=True)
class Told:
    """A sample call and what became of it."""

    sample: Sample
    run: RunResult
    story: Story | None
    problem: str


def demo_plan(instance: int, say: Say) -> LabPlan:
    """Plan the demo's lab: the example with one city short of lines, and agents who hang up after a while."""
    store = HOME / ".tieline"
    state = state_of(store, instance)
    state.mkdir(parents=True, exist_ok=True, mode=0o700)
    quotas_file = state / "quotas.toml"
    quotas_file.write_text(quotas_with_full_city((HOME / "examples/quotas.toml").read_text()))
    plan = make_plan(instance, say, store=store, quotas_file=quotas_file)
    agents = load_agents(plan.agents_file, plan.topology)
    return make_plan(
        instance, say, store=store, quotas_file=quotas_file, phones=willing_phones(agents.values(), PHONES)
    )


async def tell_samples(client: LabClient, plan: LabPlan, say: Say) -> tuple[Told, ...]:
    """Place the sample calls and put their stories together.

    Raises:
        LabError: A call could not be placed at all.
        ConnectionLost: A site's Redis is gone.
    """
    stories = Stories()
    began = time.time()
    async with listening(plan, stories.take):
        say(f"{len(SAMPLES)} sample calls from {len({sample.city for sample in SAMPLES})} cities …")
        runs = await _place(client, plan)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_SETTLED_S):
                while _missing(plan, runs, stories, began):  # noqa: ASYNC110 - the edge's file tells nobody
                    await asyncio.sleep(_LOOK_S)
    return tuple(_told(sample, run, stories) for sample, run in zip(SAMPLES, runs, strict=True))


async def _place(client: LabClient, plan: LabPlan) -> list[RunResult]:
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(len(SAMPLES)) as threads:

        async def one(sample: Sample) -> RunResult:
            await asyncio.sleep(sample.after_s)
            city = plan.topology.cities[sample.city]
            keys = keys_for(city, sample.dialect, sample.business)
            run = CallRun(
                city=city.id, script=sample_script(sample, keys), callers=some_callers(plan, city.id, 1), limit_s=60
            )
            return await loop.run_in_executor(threads, place_calls, client, plan, run)

        return list(await asyncio.gather(*(one(sample) for sample in SAMPLES)))


def _missing(plan: LabPlan, runs: list[RunResult], stories: Stories, since: float) -> bool:
    """Whether anything is still to come: a call's end, or the ticket that it needs."""
    _read_accounting(plan, stories, since)
    found = [stories.of_number(_number(run)) for run in runs]
    return any(story is None or not story.outcome or (_needs_ticket(story) and not story.ticket) for story in found)


def _read_accounting(plan: LabPlan, stories: Stories, since: float) -> None:
    for edge in plan.topology.edges:
        for path in sorted((plan.state / "conf" / edge.id / "accounting").glob("*.acc")):
            for line in path.read_text(errors="replace").splitlines():
                words = line.split()
                known = len(words) > 2 and words[2] in stories.calls and stories.calls[words[2]].offered
                if len(words) > 1 and words[1][:1].isdigit() and float(words[1]) >= since and not known:
                    stories.take_accounting(line)


def _number(run: RunResult) -> str:
    return run.calls[0].caller.from_.removeprefix("<sip:").partition("@")[0]


def _needs_ticket(story: Story) -> bool:
    business = story.business or UNKNOWN
    rules = load_policy().rules
    return (
        next((rule.kind for rule in rules if rule.fits(story.outcome, business, estimated=False)), None) is not None
    )


def _told(sample: Sample, run: RunResult, stories: Stories) -> Told:
    story = stories.of_number(_number(run))
    return Told(sample, run, story, _problem(sample, run, story))


def _problem(sample: Sample, run: RunResult, story: Story | None) -> str:
    if not run.is_scripted:
        return f"the caller met something else than scripted: {run.faults.strip()[:300] or run.calls[0].moments}"
    if story is None:
        return "no site knows of it"
    if story.outcome != sample.outcome:
        return f"ended as {story.outcome or 'nothing'}, expected {sample.outcome}"
    if sample.reaches_pool and (story.dialect, story.business) != (sample.dialect, sample.business):
        return f"chose {story.dialect} {story.business}, expected {sample.dialect} {sample.business}"
    if _needs_ticket(story) and not story.ticket:
        return "its ticket is missing"
    return ""


# What is printed ---------------------------------------------------------------------------------------------


def show_timelines(console: Console, told: tuple[Told, ...]) -> None:
    """Print each call's way through the nine steps."""
    for number, one in enumerate(told, 1):
        sample = one.sample
        mark = "[red]✗[/red]" if one.problem else "[green]✓[/green]"
        console.print(
            f"{mark} [bold]{number:2} {sample.city}[/bold] {sample.dialect} {sample.business} ({sample.ends})"
        )
        if one.story is not None:
            moments = one.story.timeline()
            steps = (
                f"{moment.what} [cyan]+{moment.at - moments[0].at:.2f}[/cyan] {moment.detail}".rstrip()
                for moment in moments
            )
            console.print("     " + " → ".join(steps), highlight=False)
        if one.problem:
            console.print(f"     [red]{one.problem}[/red]")


def show_books(console: Console, told: tuple[Told, ...]) -> bool:
    """Print the books per city; tells whether they balance."""
    table = Table("city", *("offered", "answered", "abandoned", "refused", "tickets"), title="The books")
    stories = [one.story for one in told if one.story is not None]
    for city in dict.fromkeys(one.sample.city for one in told):
        books = tally(story for story in stories if story.city == city)
        table.add_row(city, *_cells(books.offered, books.answered, books.abandoned, books.refused, books.tickets))
    total = tally(stories)
    table.add_section()
    table.add_row("all", *_cells(total.offered, total.answered, total.abandoned, total.refused, total.tickets))
    console.print(table)
    if not total.balances:
        console.print(f"[red]The books do not balance: {total}[/red]")
    return total.balances and total.offered == len(told)


def _cells(*counts: int) -> tuple[str, ...]:
    return tuple(str(count) for count in counts)


def show_way_in(console: Console, plan: LabPlan, instance: int) -> None:
    """Tell how to look and how to dial in."""
    edge = plan.topology.edges[0].sip
    city = plan.topology.cities[next(iter(plan.topology.cities))]
    console.print("\n[bold]The lab stays up.[/bold] End it with Ctrl-C.")
    if is_alone():
        console.print(
            "  It runs in a network of its own: as root these can be reached from a browser or a softphone."
        )
    for site in plan.topology.sites.values():
        console.print(f"  live page of {site.english}: http://{site.console}/")
    console.print(
        f"  it asks for a token: {_TIELINE} token --settings {plan.settings_file} new --role monitor --name me",
        soft_wrap=True,
        highlight=False,
    )
    console.print(
        f"  softphone: an account without registration, bound to {city.trunk_groups[0].source} (the trunk group of"
        f" {city.english}),\n             outbound proxy {edge}, codec PCMA, keys by RFC 4733;"
        f" dial {plan.topology.hotline}"
    )
    option = f" --instance {instance}" if instance else ""
    console.print(
        f"  or: {_TIELINE} lab call{option} --city xiamen --dialect min_nan --business outage", highlight=False
    )
    console.print(f"      {_TIELINE} lab status{option}")


def run_demo(instance: int, *, ends: bool) -> int:
    """Run the whole demo.

    Args:
        instance: Which lab.
        ends: Stop after the table.

    Returns:
        0 when every call ended as expected, else 1.
    """
    console = Console()

    def say(line: str) -> None:
        console.print(f"[dim]{line}[/dim]", highlight=False)

    plan = demo_plan(instance, say)
    client = LabClient(plan.state)
    client.down()
    answer = client.up(prepare(plan, say), say)
    try:
        if not answer.ok:
            raise LabError("; ".join(part.reason for part in answer.parts if part.reason))
        put_quotas_on(plan, say)
        told = asyncio.run(tell_samples(client, plan, say))
        show_timelines(console, told)
        balances = show_books(console, told)
        is_well = balances and not any(one.problem for one in told)
        if not ends:
            show_way_in(console, plan, instance)
            with contextlib.suppress(KeyboardInterrupt):
                _stay(client)
        return 0 if is_well else 1
    finally:
        client.down()


def put_quotas_on(plan: LabPlan, say: Say) -> None:
    """Put the demo's quotas in force: a lab keeps its database, and in it those of whatever it did before.

    Raises:
        LabError: They were refused.
    """
    settings, profiles = load_settings(plan.settings_file, {}), load_profiles(plan.quotas_file, plan.topology)
    with closing(Database(settings.database_url, deadline_s=settings.sql_deadline_s)) as database:
        create_schema(database)
        desk = Desk(database, plan.topology, profiles)
        in_force = {site: asyncio.run(desk.newest(site)).quotas for site in plan.topology.sites}
    for site in (site for site, quotas in in_force.items() if quotas != profiles[site, NORMAL].quotas):
        words = ("profile", site, NORMAL, "--yes", "--why", "the demo's own")
        run_tieline("quota", "--settings", str(plan.settings_file), *words, say=say)


def _stay(client: LabClient) -> None:
    while client.is_up():
        time.sleep(1)


@click.command()
@click.option("--instance", type=click.IntRange(0, 254), default=0, envvar="TIELINE_LOOPBACK_INSTANCE")
@click.option("--exit", "ends", is_flag=True, help="End after the table; 1 when any call did not end as expected.")
def demo(instance: int, ends: bool) -> None:
    """Bring everything up, place sample calls from all cities, print what happened, stay up."""
    if os.geteuid():
        again = (*netns_command(), sys.executable, "-m", "lab.demo", "--instance", str(instance))
        os.execvp(again[0], (*again, *(("--exit",) if ends else ())))  # noqa: S606 - itself, in a namespace
    with errors_told():
        sys.exit(run_demo(instance, ends=ends))


if __name__ == "__main__":
    demo()
