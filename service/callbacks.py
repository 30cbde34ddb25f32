"""Calling back, as one part of a site: who keeps the entries and who dials."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from ivr_prompts.waiting import load_waiting
from routing.callback_desk import CallbackDesk
from service.acting import Act
from service.beside import beside
from service.callback_dialler import CallbackDialler
from service.callback_keeper import CallbackKeeper
from service.parts.shared import Shared
from tieline.clock import system_clock


@asynccontextmanager
async def callbacks(shared: Shared, act: Act) -> AsyncIterator[None]:
    """Keep a site's entries and dial them while the block runs."""
    context, live, database, metrics = shared.context, shared.live, shared.database, shared.metrics
    rules, waiting = context.callback, load_waiting()
    key = (waiting.digit, float(waiting.first_s))
    keeper = CallbackKeeper(context.site.id, live, database, rules, key, system_clock)
    desk = CallbackDesk(database, rules)
    dialler = CallbackDialler(context.site, context.topology, live, desk, rules, context.hours, act, system_clock)
    metrics["callbacks"] = keeper.metrics
    metrics["callback_dialler"] = dialler.metrics
    async with beside(keeper.run()), beside(dialler.run()):
        yield
