"""Groups of commands that are imported when one of them is used, so that the others cost nothing."""

from collections.abc import Callable, Mapping

import click

Load = Callable[[], Mapping[str, click.Command]]
"""Imports commands, by name."""


class LazyGroup(click.Group):
    """A group that is named and explained by the function which imports its commands.

    Args:
        load: Called when the commands are asked for; its name is the group's, its docstring the group's help.
        callback: As click calls it, before the command.
    """

    def __init__(self, load: Load, callback: Callable[..., None] | None = None) -> None:
        super().__init__(load.__name__, help=load.__doc__, callback=callback)
        self._load = load

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Import the commands and list their names."""
        return sorted(self._load())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import the commands and give one of them."""
        return self._load().get(cmd_name)
