"""The option `--settings FILE` of the command line."""

import os
from pathlib import Path
from typing import Any

import click

from tieline.settings import Settings, load_settings


def settings_option(command: Any) -> Any:
    """Add `--settings FILE` to a command; the command gets the loaded settings."""

    def load(_ctx: click.Context, _param: click.Parameter, value: Path | None) -> Settings:
        return load_settings(value, os.environ)

    return click.option(
        "--settings",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        envvar="TIELINE_SETTINGS",
        callback=load,
        help="Settings file (TOML). Defaults and TIELINE_* variables serve without one.",
    )(command)
