"""`tieline route explain`: why a call was offered to whom. Mounted by `service.cli`, `obj` is the `Settings`."""

import asyncio
import sys
from contextlib import suppress

import click
import msgspec

from routing.explain import sentences
from routing.why import CallDecisions, Ended, Offered, UnknownCall, fetch_decisions
from tieline import secrets_file
from tieline.command_line import read_call_id
from tieline.errors import TielineError
from tieline.loopback import shift_loopback
from tieline.model import CallId
from tieline.settings import Settings
from tieline.site_live import open_live
from tieline.topology_file import load_topology


@click.command()
@click.argument("call")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def explain(settings: Settings, call: str, as_json: bool) -> None:
    """Tell why CALL (its id) was offered to whom, in the words of every site that decided; kept for 7 days."""
    found = asyncio.run(_decisions(settings, read_call_id(call)))
    if found is None:
        click.echo(f"tieline: no site that answers has decided anything for {call} within 7 days", err=True)
        sys.exit(1)
    click.echo(msgspec.json.encode(found).decode() if as_json else "\n".join(sentences(found)))


async def _decisions(settings: Settings, call_id: CallId) -> CallDecisions | None:
    """Ask every site: the owner of the agent decides, so a call may have decisions at both."""
    topology = shift_loopback(load_topology(settings.topology), settings.loopback_instance)
    password = secrets_file.load(settings.secrets).redis_password
    entries: list[Offered | Ended] = []
    for site in topology.sites.values():
        live = open_live(site, password, deadline_s=settings.redis_deadline_s)
        try:
            with suppress(UnknownCall):
                entries += (await fetch_decisions(live, call_id)).decisions
        except TielineError as error:
            click.echo(f"tieline: {site.id} does not answer: {error}", err=True)
        finally:
            await live.close()
    entries.sort(key=lambda entry: entry.at)
    return CallDecisions(call_id=call_id, decisions=entries) if entries else None
