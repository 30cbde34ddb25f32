"""`tieline lab …` as somebody reads it: what `status` shows, what is said when there is no lab."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from lab import commands
from lab.client import LabClient
from lab.commands import lab
from lab.parts import PartState
from lab.supervisor import Answer, PartStatus

pytestmark = pytest.mark.unit

LISTENS = "127.55.21.1:5060"
OPEN = "192.0.2.1:5060"


def answer_with(monkeypatch: pytest.MonkeyPatch, answer: Answer) -> None:
    monkeypatch.setattr(LabClient, "ask", lambda _client, _request: answer)


@pytest.mark.parametrize(("exposed", "code"), [((), 0), ((OPEN,), 1)])
def test_status_shows_what_listens_and_fails_over_what_is_reachable_from_outside(
    monkeypatch: pytest.MonkeyPatch, exposed: tuple[str, ...], code: int
) -> None:
    part = PartStatus(name="fuzhou-1", state=PartState.READY, pid=7, restarts=0, watchdog_kills=0, reason="")
    answer_with(monkeypatch, Answer(parts=(part,), listening=(LISTENS, *exposed), exposed=exposed))
    shown = CliRunner().invoke(lab, ["status"])
    assert (shown.exit_code, "fuzhou-1" in shown.output, f"listening: {LISTENS}" in shown.output) == (
        code,
        True,
        True,
    )
    assert (f"reachable from outside: {OPEN}" in shown.output) == bool(exposed)
    told = json.loads(CliRunner().invoke(lab, ["status", "--json"]).stdout)
    assert (told["listening"], told["exposed"]) == ([LISTENS, *exposed], list(exposed))


@pytest.mark.parametrize("words", [("status",), ("kill", "edge-1"), ("call", "--city", "fuzhou")])
def test_without_a_lab_every_command_says_what_starts_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, words: tuple[str, ...]
) -> None:
    monkeypatch.setattr(commands, "STORE", tmp_path)
    told = json.loads(CliRunner().invoke(lab, [*words, "--json"]).stdout)
    assert (told["ok"], "`tieline lab up`" in told["error"]) == (False, True)
