"""`tieline prompts`: check, build, import, and the script for voice talents. Mounted by `service.cli`."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Final

import click
import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from ivr_prompts import build as builder
from ivr_prompts.catalogue import load_catalogue
from ivr_prompts.check import check as check_sounds
from ivr_prompts.importer import import_recordings
from ivr_prompts.menus import load_menus
from ivr_prompts.texts import DIALECTS, load_texts
from ivr_prompts.tools import ToolRunner
from tieline.command_line import errors_told
from tieline.errors import ConfigError
from tieline.model import DialectId
from tieline.settings import Settings

_DEFAULTS: Final = Settings()
_FOLDER: Final = click.Path(file_okay=False, path_type=Path)

_sounds = click.option(
    "--sounds",
    type=_FOLDER,
    envvar="TIELINE_SOUNDS",
    default=_DEFAULTS.sounds,
    show_default=True,
    help="Where the built audio lies.",
)
_root = click.option(
    "--root",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    envvar="TIELINE_ROOT",
    help="Private root to run espeak-ng and sox from; without one the host's own serve.",
)
_json = click.option("--json", "as_json", is_flag=True, help="Write the result as JSON.")


@click.group()
def prompts() -> None:
    """What callers hear: check it, build missing audio, take recordings over."""


@prompts.command()
@_sounds
@_json
def check(sounds: Path, as_json: bool) -> None:
    """Check that everything that can be said has its audio. Ends with 2 and every problem when not."""
    with errors_told(as_json=as_json):
        catalogue = load_catalogue(sounds)
        load_menus(catalogue.texts)
        report = check_sounds(catalogue, sounds)
        if report.problems:
            raise ConfigError(str(sounds), report.problems)
        text = f"{report.sounds} sounds: {report.recorded} recorded, {report.stand_ins} stand-ins"
        _say(as_json, text, sounds=report.sounds, recorded=report.recorded, stand_ins=report.stand_ins)


@prompts.command()
@_sounds
@_root
@_json
@click.option("--workers", type=click.IntRange(1, 16), default=builder.WORKERS, show_default=True)
def build(sounds: Path, root: Path | None, as_json: bool, workers: int) -> None:
    """Make the audio that is missing; recordings are left alone."""
    with errors_told(as_json=as_json), _bar("building", as_json) as progress:
        report = builder.build(load_texts(), sounds, _tools(root), workers=workers, progress=progress)
    text = f"{report.made} made, {report.kept} kept, {report.recorded} recorded, {report.removed} removed"
    _say(as_json, text, **asdict(report))


@prompts.command("import")
@click.argument("directory", type=click.Path(exists=True, file_okay=False, path_type=Path))
@_sounds
@_root
@_json
def import_(directory: Path, sounds: Path, root: Path | None, as_json: bool) -> None:
    """Take over recordings DIRECTORY/<dialect>/<prompt id>.wav; all of them or, when one is faulty, none."""
    with errors_told(as_json=as_json), _bar("reading", as_json) as progress:
        taken = import_recordings(load_texts(), directory, sounds, _tools(root), progress=progress)
    _say(as_json, f"{taken} recordings taken over", taken=taken)


@prompts.command()
@click.argument("dialect", type=click.Choice(list(DIALECTS)))
@_json
def script(dialect: str, as_json: bool) -> None:
    """List what a voice talent reads: the name of each file and its words."""
    pieces = load_texts().pieces(DialectId(dialect)).values()
    if as_json:
        _say(as_json, "", **{piece.id: piece.text for piece in pieces})
    else:
        for piece in pieces:
            click.echo(f"{piece.id}\t{piece.text}")


def _tools(root: Path | None) -> ToolRunner:
    return ToolRunner() if root is None else ToolRunner.in_root(root.resolve())


def _say(as_json: bool, text: str, **facts: object) -> None:
    click.echo(msgspec.json.encode({"ok": True, **facts}).decode() if as_json else text)


@contextmanager
def _bar(title: str, as_json: bool) -> Iterator[builder.Progress | None]:
    """Show a progress bar on a terminal's standard error."""
    console = Console(stderr=True)
    if as_json or not console.is_terminal:
        yield None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as bar:
        task = bar.add_task(title, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
