"""Commands of the room: `tieline quota …`. Mounted by `service.cli`, which puts the `Settings` into `obj`."""

import click


@click.group()
def quota() -> None:
    """Quotas of the cities: what is in force, changes, profiles."""
