"""`tieline bench …`: one subcommand a bench. A bench is imported only when it is run."""

import sys
from pathlib import Path
from typing import NoReturn

import click

from bench.result import BenchResult


@click.group()
def bench() -> None:
    """Measure, beside others, in one run. Exit code 0: every goal met; 3: measured, and a goal missed."""


def report(result: BenchResult, *, as_json: bool) -> NoReturn:
    """Print a result and end with its exit code."""
    click.echo(result.as_json() if as_json else result.as_text())
    sys.exit(result.exit_code)


@bench.command("agi")
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON.")
@click.option("--rounds", default=3, show_default=True, type=click.IntRange(1, 20), help="Rounds; medians are told.")
def agi_command(*, as_json: bool, rounds: int) -> None:
    """FastAGI sessions beside a bare epoll loop and panoramisk's server: CPU, latency, bursts, bad peers."""
    from bench import agi

    report(agi.run(rounds=rounds), as_json=as_json)


@bench.command("ami")
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON.")
@click.option("--rounds", default=9, show_default=True, type=click.IntRange(1, 50), help="Rounds; medians are told.")
def ami_command(*, as_json: bool, rounds: int) -> None:
    """AMI events through framing, typing and state beside bare splitting and panoramisk with 15 patterns."""
    from bench import ami

    report(ami.run(rounds=rounds), as_json=as_json)


@bench.command("admit")
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON.")
@click.option("--rounds", default=5, show_default=True, type=click.IntRange(1, 50), help="Rounds; medians are told.")
def admit_command(*, as_json: bool, rounds: int) -> None:
    """Admission and release of lines, beside redis-benchmark with the same steps: rate, latency, number of cities."""
    from bench import admit

    report(admit.run(rounds=rounds), as_json=as_json)


@bench.command("call")
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON; progress goes to standard error.")
@click.option(
    "--instance", default=0, show_default=True, type=click.IntRange(0, 254), envvar="TIELINE_LOOPBACK_INSTANCE"
)
@click.option("--rounds", default=4, show_default=True, type=click.IntRange(1, 20), help="Rounds; medians are told.")
@click.option(
    "--calls", default=100, show_default=True, type=click.IntRange(10, 1000), help="Calls of a round and arm."
)
@click.option(
    "--rate", "rate_per_s", default=10.0, show_default=True, type=click.FloatRange(0.5, 20), help="New calls/s."
)
def call_command(*, as_json: bool, instance: int, rounds: int, calls: int, rate_per_s: float) -> None:
    """CPU per call of edge, Asterisk, Python, Redis and SQL, beside the same calls through a plain Queue()."""
    from bench import call

    def say(line: str) -> None:
        click.echo(line, err=True)

    report(call.run(instance=instance, rounds=rounds, calls=calls, rate_per_s=rate_per_s, say=say), as_json=as_json)


@bench.command("quota")
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON; progress goes to standard error.")
@click.option("--seeds", default=20, show_default=True, type=click.IntRange(2, 1000), help="Courses of each storm.")
@click.option(
    "--hours", default=24.0, show_default=True, type=click.FloatRange(3, 1000), help="Simulated hours of each."
)
def quota_command(*, as_json: bool, seeds: int, hours: float) -> None:
    """Simulate storms: loss of calm cities under the reserve rule, beside no rule, caps only and Erlang B."""
    from bench import quota

    def say(line: str) -> None:
        click.echo(line, err=True)

    report(quota.run(seeds=seeds, hours=hours, say=say), as_json=as_json)


@bench.command("match")
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON; progress goes to standard error.")
@click.option("--rounds", default=3, show_default=True, type=click.IntRange(1, 50), help="Rounds; medians are told.")
@click.option(
    "--times", default=2000, show_default=True, type=click.IntRange(1, 100_000), help="Assignments a round."
)
def match_command(*, as_json: bool, rounds: int, times: int) -> None:
    """CPU time of an assignment, from 10 waiting calls × 10 agents to 10,000 × 2,000."""
    from bench import match

    def say(line: str) -> None:
        click.echo(line, err=True)

    report(match.run(rounds=rounds, times=times, say=say), as_json=as_json)


@bench.command("routing")
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON; progress goes to standard error.")
@click.option("--seeds", default=20, show_default=True, type=click.IntRange(1, 1000), help="Courses of each day.")
@click.option("--day", "days", multiple=True, type=click.Choice(["normal", "storm", "night"]), help="Only this day.")
@click.option("--plot", type=click.Path(dir_okay=False, path_type=Path), help="Draw the trade-off (.png or .svg).")
def routing_command(*, as_json: bool, seeds: int, days: tuple[str, ...], plot: Path | None) -> None:
    """Simulate days of callers and agents: the matcher beside app_queue at its best and the bounds of both."""
    from concurrent.futures import ProcessPoolExecutor

    from bench import routing
    from bench.world.files import load_world

    def say(line: str) -> None:
        click.echo(line, err=True)

    plans = [plan for plan in load_world().days.values() if plan.id in days or not days]
    with ProcessPoolExecutor() as pool:
        result, found = routing.run(plans, seeds=seeds, pool=pool, say=say)
    if plot is not None:
        from bench.routing_plot import draw

        draw(found, plot)
    report(result, as_json=as_json)


@bench.command("app-queue")
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON; progress goes to standard error.")
@click.option("--calls", default=600, show_default=True, type=click.IntRange(10, 10_000), help="Length of a trace.")
@click.option(
    "--traces", default=8, show_default=True, type=click.IntRange(1, 50), help="Played at once, each twice."
)
@click.option("--seed", default=1, show_default=True, type=click.IntRange(0), help="Of the first trace.")
def app_queue_command(*, as_json: bool, calls: int, traces: int, seed: int) -> None:
    """The model of app_queue that `routing` measures against, beside a real app_queue: 2.4 calls a second."""
    from bench import queue_check
    from lab.root import need_root

    def say(line: str) -> None:
        click.echo(line, err=True)

    report(queue_check.run(need_root(), calls=calls, traces=traces, seed=seed, say=say), as_json=as_json)
