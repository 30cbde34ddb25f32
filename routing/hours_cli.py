"""`tieline route hours`: what is open and why. Mounted by `service.cli`, which puts the `Settings` into `obj`."""

import json
from datetime import datetime
from typing import Final

import click

from routing.hours import Hours, State, load_hours
from tieline.clock import CHINA, iso_china, system_clock
from tieline.model import Business
from tieline.moment import FORMS, read_moment
from tieline.settings import Settings

_DECEMBER: Final = 12


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
    states = {business: known.state(business, at) for business in Business}
    if as_json:
        click.echo(json.dumps({str(business): _plain(state) for business, state in states.items()}))
    else:
        click.echo(f"at {iso_china(at)}")
        for business, state in states.items():
            click.echo(_line(business, state))
    for warning in _warnings(known, at):
        click.echo(warning, err=True)


def _plain(state: State) -> dict[str, object]:
    return {"open": state.is_open, "why": state.why, "next_opening": state.next_opening}


def _line(business: Business, state: State) -> str:
    following = f"  opens {iso_china(state.next_opening[0])}" if state.next_opening else ""
    return f"{business:10}  {'open' if state.is_open else 'closed':6}  {state.why}{following}"


def _warnings(known: Hours, at: float) -> list[str]:
    """Say what of the calendar is not sure; in December the next year counts, too."""
    here = datetime.fromtimestamp(at, CHINA)
    years = known.calendar.years
    wanted = [here.year, here.year + 1] if here.month == _DECEMBER else [here.year]
    missing = [f"the holidays of {year} are missing: weekends alone count" for year in wanted if year not in years]
    expected = [
        f"the holidays of {year} are those of the law alone: the shifted working days are not known yet"
        for year in wanted
        if year in years and years[year].expected
    ]
    return missing + expected
