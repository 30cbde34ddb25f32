"""What is refused or fails, as the command line tells it."""

import errno
import json

import click
import pytest
from click.testing import CliRunner, Result

from tieline.command_line import errors_told
from tieline.errors import ConfigError, DeadlineExceeded, Problem, TielineError
from tieline.refused import DeskName, Kind, Refused

pytestmark = pytest.mark.unit

PROBLEM = Problem("until", "is in the past", "give another one")
WITH_REASONS = Refused(DeskName.NOTICES, Kind.INVALID, "notice not set", [PROBLEM, PROBLEM])
IN_A_SENTENCE = Refused(DeskName.AGENTS, Kind.FORBIDDEN, "role monitor may not")
STALE = Refused(DeskName.LADDERS, Kind.STALE, "ladders not changed", [PROBLEM], newest=7, changed=["+after_s = 9"])
FAULTY = ConfigError("quotas.toml", [PROBLEM])
AWAY = DeadlineExceeded("SQL", 2.0)
TAKEN = "error while attempting to bind on address ('127.0.21.12', 8088)"
LINE = "  until: is in the past (give another one)\n"
TOLD_PROBLEM = {"where": "until", "what": "is in the past", "mend": "give another one"}


def end_with(error: Exception, *, as_json: bool = False) -> Result:
    @click.command()
    def command() -> None:
        with errors_told(as_json=as_json):
            raise error

    return CliRunner().invoke(command)


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (WITH_REASONS, 2, f"tieline: notice not set\n{LINE}{LINE}"),
        (IN_A_SENTENCE, 1, "Error: role monitor may not\n"),
        (STALE, 2, f"tieline: ladders not changed\n{LINE}changed since then:\n  +after_s = 9\n"),
        (FAULTY, 2, f"tieline: quotas.toml: 1 problem(s)\n{LINE}"),
        (AWAY, 1, "tieline: no answer within 2 s: SQL\n"),
    ],
)
def test_an_error_becomes_an_exit_code_and_a_text(error: TielineError, code: int, text: str) -> None:
    ended = end_with(error)
    assert (ended.exit_code, ended.stdout, ended.stderr) == (code, "", text)


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (
            PermissionError(errno.EACCES, "Permission denied", "/etc/tieline/secrets.toml"),
            "  /etc/tieline/secrets.toml: Permission denied (check the path, its rights, and the room on the disk)\n",
        ),
        (
            OSError(errno.EADDRINUSE, TAKEN),
            f"  network: {TAKEN} (is it running already, or is the address not this host's?)\n",
        ),
    ],
)
def test_what_the_system_refuses_is_named(error: OSError, line: str) -> None:
    ended = end_with(error)
    assert (ended.exit_code, ended.stdout, ended.stderr) == (2, "", f"tieline: system: 1 problem(s)\n{line}")


def test_other_errors_of_the_system_are_faults_of_ours() -> None:
    ended = end_with(ConnectionResetError(errno.ECONNRESET, "Connection reset by peer"))
    assert isinstance(ended.exception, ConnectionResetError)


@pytest.mark.parametrize(
    ("error", "code", "told"),
    [
        (WITH_REASONS, 2, {"problems": [TOLD_PROBLEM, TOLD_PROBLEM], "kind": "invalid"}),
        (IN_A_SENTENCE, 1, {"problems": [], "kind": "forbidden"}),
        (STALE, 2, {"problems": [TOLD_PROBLEM], "kind": "stale_base", "newest": 7, "difference": ["+after_s = 9"]}),
        (FAULTY, 2, {"problems": [TOLD_PROBLEM]}),
        (AWAY, 1, {"problems": []}),
    ],
)
def test_programs_get_the_same_as_json(error: TielineError, code: int, told: dict[str, object]) -> None:
    ended = end_with(error, as_json=True)
    assert (ended.exit_code, ended.stderr) == (code, "")
    assert json.loads(ended.stdout) == {"ok": False, "error": str(error), **told}
