"""The command of the storm: what it refuses, and what it prints."""

import io

import msgspec
import pytest
from click.testing import CliRunner
from rich.console import Console

from lab.books import Difference
from lab.storm_cli import show, storm
from lab.storm_decisions import Decisions
from lab.storm_report import Change, Recovery, StormReport
from tests.unit.lab.test_storm_report import BOOKS, COST

pytestmark = pytest.mark.unit

REPORT = StormReport(
    city="fuzhou",
    factor=12,
    seconds=60,
    seed=1,
    lines=16,
    rates={},
    books=BOOKS,
    looks=70,
    most_in_use=16,
    by_node=3,
    decisions=Decisions(decided=200, by_node=7, mean_ms=0.9, p50_ms=1.0, p99_ms=None),
    over_admitted=("17.0: fuzhou uses 14 lines of 13",),
    recoveries=(Recovery(what="agi", part="tieline-fuzhou-agi-0", equal_after_s=1.5, most_channels=8),),
    change=Change(version=2, answered_s=0.05, first_decision_s=0.3, old_decisions=0),
    burden=COST,
    differences=(),
    faults=("fuzhou: [not markup]",),
)


def test_a_part_that_is_not_to_be_killed_is_named() -> None:
    result = CliRunner().invoke(storm, ["--kill", "agi,edge"])
    assert result.exit_code == 2
    assert "edge: use agi,bridge,redis,node" in result.output


def test_a_change_needs_the_console_that_would_be_killed() -> None:
    result = CliRunner().invoke(storm, ["--kill", "bridge", "--change"])
    assert result.exit_code == 2
    assert "--kill or --change" in result.output


def test_everything_that_differs_is_printed() -> None:
    text = io.StringIO()
    lost = tuple(Difference(f"call-{number}", "lost") for number in range(50))
    odd = msgspec.structs.replace(REPORT, books=msgspec.structs.replace(BOOKS, differences=lost))
    show(Console(file=text, width=150), odd)
    shown = text.getvalue()
    for words in (
        "killed tieline-fuzhou-agi-0",
        "after 1.5 s",
        "version 2",
        "after 0.3 s",
        "200: p50 1 ms, p99 above 50 ms; 7 left to a node",
        "call-0 lost",
        "[not markup]",
    ):
        assert words in shown
    assert "… and 11 more" in shown
