"""`tieline route hours`: what is open and why. Mounted by `service.cli`, which puts the `Settings` into `obj`."""

import click
import msgspec

from routing.hours import load_hours
from routing.hours_view import BusinessHours, states, warnings
from tieline.clock import iso_china, system_clock
from tieline.model import Business
from tieline.moment import FORMS, read_moment
from tieline.settings import Settings


@click.command()
@click.option("--at", "moment", default="+0m", show_default="now", help=f"Look at another time: {FORMS}.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def hours(settings: Settings, moment: str, as_json: bool) -> None:
    """Show which business is answered at a time, why, and when the closed ones open again."""
    now = system_clock()
    try:
        at = read_moment(moment, now)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--at") from error
    known = load_hours(now, settings.hours, settings.holidays)
    found = states(known, at)
    if as_json:
        click.echo(msgspec.json.encode(found).decode())
    else:
        click.echo(f"at {iso_china(at)}")
        for business, state in found.items():
            click.echo(_line(business, state))
    for warning in warnings(known, at):
        click.echo(warning, err=True)


def _line(business: Business, state: BusinessHours) -> str:
    following = f"  opens {iso_china(state.next_opening[0])}" if state.next_opening else ""
    return f"{business:10}  {'open' if state.is_open else 'closed':6}  {state.why}{following}"
