"""`tieline lab …`: what its commands need is imported when one of them is used."""

from collections.abc import Mapping

import click

from tieline.lazy_group import LazyGroup


@LazyGroup
def lab() -> Mapping[str, click.Command]:
    """Two centres, an edge, agents and callers on this machine, all real."""
    from lab import commands

    return commands.lab.commands
