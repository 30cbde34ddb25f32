"""How a command ends that was refused or failed: the one place where errors become a text and an exit code."""

import errno
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

import click
import msgspec

from tieline.errors import ConfigError, Problem, TielineError
from tieline.model import CallId, is_call_id
from tieline.refused import Refused

_ADDRESS: Final = (errno.EADDRINUSE, errno.EADDRNOTAVAIL)


@contextmanager
def errors_told(*, as_json: bool = False) -> Iterator[None]:
    """End the command with 2 when there are problems to be mended, else with 1, and tell every reason.

    Args:
        as_json: Tell it as a JSON object on stdout, not as a text on stderr.

    Raises:
        SystemExit: A TielineError came, or the system refused a file, a directory or an address.
        click.ClickException: A desk refused, in one sentence: click tells it, and ends with 1.
        OSError: Of another kind: nothing that whoever types could mend.
    """
    try:
        with _system_refusals():
            yield
    except TielineError as error:
        problems = error.problems if isinstance(error, ConfigError | Refused) else ()
        if as_json:
            click.echo(msgspec.json.encode(_told(error, problems)).decode())
        elif isinstance(error, Refused) and not problems:
            raise click.ClickException(str(error)) from error
        else:
            click.echo(f"tieline: {error}", err=True)
        raise SystemExit(2 if problems else 1) from error


def read_call_id(text: str) -> CallId:
    """Read the argument CALL of a command.

    Raises:
        click.BadParameter: It is no call id.
    """
    if not is_call_id(text):
        where = "`tieline route pool`, `tieline agent list` and `GET /api/calls` show them"
        raise click.BadParameter(f"{text!r} is no call id: {where}", param_hint="CALL")
    return CallId(text)


@contextmanager
def _system_refusals() -> Iterator[None]:
    """Turn what the system refuses into what is to be mended.

    Raises:
        ConfigError: A file, a directory or an address cannot be used.
        OSError: It was about something else.
    """
    try:
        yield
    except OSError as error:
        if error.filename is not None:
            mend = "check the path, its rights, and the room on the disk"
            problem = Problem(str(error.filename), error.strerror or str(error), mend)
        elif error.errno in _ADDRESS:
            what = error.strerror or str(error)
            problem = Problem("network", what, "is it running already, or is the address not this host's?")
        else:
            raise
        raise ConfigError("system", [problem]) from error


def _told(error: TielineError, problems: Sequence[Problem]) -> dict[str, object]:
    told: dict[str, object] = {"ok": False, "error": str(error), "problems": problems}
    if isinstance(error, Refused):
        told["kind"] = error.kind
        if error.newest is not None:
            told |= {"newest": error.newest, "difference": error.changed}
    return told
