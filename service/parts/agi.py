"""The AGI servers of a process: usually one, all of the site's when everything runs in one process."""

import asyncio
import ipaddress
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial
from typing import Final

from agi.scripts import routes
from agi.scripts.parts import Parts
from agi.scripts.situation import Situation, check_effects
from agi.scripts.voice import load_voice
from agi.server import AgiServer, AgiSettings
from crm_adapter.journal import Journal
from service import heartbeats
from service.beside import beside
from service.context import SiteContext, journal_dir
from service.figures import figures
from service.parts.shared import Shared
from tieline.clock import system_clock
from tieline.errors import TielineError
from tieline.live import Live
from tieline.numbers import load_number_plan, parse_caller
from tieline.topology import Site
from trunk_config.admission import warm_up
from trunk_config.decision_times import DecisionTimes, leave

BEAT_S: Final = 1.0


@asynccontextmanager
async def agi_servers(shared: Shared) -> AsyncIterator[None]:
    """Serve the process's AGI addresses; on the way out running scripts come to their end first."""
    context, live = shared.context, shared.live
    voice = load_voice(context.settings.sounds)
    check_effects(context.surge.effects, voice.catalogue.texts)
    situation = Situation(live, context.surge.effects)
    numbers = load_number_plan(context.topology.cities.values())
    async with AsyncExitStack() as stack:
        for index in shared.agi_indexes:
            journal = Journal(journal_dir(context.settings, context.site.id), f"agi-{index}")
            stack.push_async_callback(journal.close)
            parts = Parts(
                site=context.site.id,
                topology=context.topology,
                live=live,
                allowances=context.allowances,
                decision_times=DecisionTimes(),
                journal=journal,
                voice=voice,
                situation=situation,
                numbers=numbers,
                hours=context.hours,
                callback=context.callback,
                callers=context.callers,
                clock=system_clock,
            )
            await _warm_up(parts)
            server = AgiServer(routes(parts), _settings(context, index))
            await server.start()
            stack.push_async_callback(partial(server.stop, drain_s=context.settings.drain_s))
            shared.metrics[f"agi_{index}"] = partial(figures, server.metrics)
            await stack.enter_async_context(beside(_beat(live, index, server, parts.decision_times)))
        await stack.enter_async_context(beside(situation.run()))
        yield


def _settings(context: SiteContext, index: int) -> AgiSettings:
    address = context.site.agi[index]
    accept = (*_own_addresses(context.site), *context.settings.agi_accept_from)
    return AgiSettings(address.host, address.port, accept_from=accept)


async def _beat(live: Live, index: int, server: AgiServer, times: DecisionTimes) -> None:
    """Say that calls are served here: at hang-up the dialplan asks no server whose heartbeat is stale."""
    key = heartbeats.agi_key(index)
    while True:
        if time.monotonic() - server.beat < BEAT_S:
            with suppress(TielineError):
                await asyncio.gather(
                    live.call("SET", key, f"{system_clock():.3f}", "EX", 60), leave(live, index, times)
                )
        await asyncio.sleep(BEAT_S)


async def _warm_up(parts: Parts) -> None:
    """Do once what is slow the first time: the number library loads its tables (0.1 s), Redis learns the scripts.

    The first admission must not miss its 50 ms: the call would be counted by the node alone and told to nobody.
    """
    parse_caller("059100001234", "", privacy=False, trunk_city=None, plan=parts.numbers)
    with suppress(TielineError):
        await warm_up(parts.live)


def _own_addresses(site: Site) -> tuple[str, ...]:
    """The hosts that may ask our AGI servers: the site's nodes, and this host itself.

    In the lab all nodes are on loopback, where a client without a bound address comes from 127.0.0.1.
    """
    nodes = tuple(node.sip.host for node in site.nodes)
    on_loopback = any(ipaddress.ip_address(host).is_loopback for host in nodes)
    return (*nodes, site.local_address, *(("127.0.0.0/8",) if on_loopback else ()))
