"""`tieline serve`: one process of a site, from start to drained stop."""

import asyncio
import contextlib
import gc
import resource
import signal
from collections.abc import Sequence

import structlog

from service.context import load_context
from service.notify import Notifier
from service.parts import PARTS
from service.site import site_process
from tieline.errors import ConfigError, Problem
from tieline.faults import Faults
from tieline.logs import configure_logs
from tieline.settings import Settings
from tieline.topology import Site

_log = structlog.get_logger("service")


async def run_site(settings: Settings, site: str, only: str, agi_index: int | None) -> int:
    """Serve until SIGTERM or SIGINT.

    Args:
        settings: Loaded settings.
        site: Site id.
        only: Comma-separated parts, empty for all.
        agi_index: Which of the site's AGI addresses to serve, counted from 0; None for all.

    Returns:
        Exit code.

    Raises:
        ConfigError: Anything in the configuration is faulty; nothing was started.
    """
    faults = Faults()
    with faults.kept():
        parts = _chosen(only)
    with faults.kept():
        context = load_context(settings, site)
        agi_indexes = _agi_indexes(context.site, agi_index)
    faults.refuse_if_any()
    configure_logs(
        level=settings.log_level,
        log_format=settings.log_format,
        show_personal=settings.log_pii,
        site=site,
        process="+".join(parts) if only else "serve",
    )
    _allow_many_connections()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    notifier = Notifier.from_environment()
    gc.disable()  # nothing of what the start makes is garbage
    async with site_process(context, parts, agi_indexes):
        _spare_the_collector()
        notifier.tell("READY=1")
        ping = asyncio.create_task(notifier.ping())
        _log.info("serving", site=site, parts=list(parts))
        await stop.wait()
        notifier.tell("STOPPING=1")
        ping.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await ping
    return 0


def _allow_many_connections() -> None:
    """Take as many file descriptors as we may: in a storm each call has a connection or two."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _spare_the_collector() -> None:
    """Take what the start made (modules, number tables, menus) out of garbage collection: it stays to the end anyway.

    Walking through it again and again was a quarter of a process's work under calls (ADR 0023).
    """
    gc.collect()
    gc.freeze()
    gc.enable()


def _chosen(only: str) -> tuple[str, ...]:
    if not only:
        return tuple(PARTS)
    chosen = tuple(name.strip() for name in only.split(",") if name.strip())
    unknown = [name for name in chosen if name not in PARTS]
    if unknown or not chosen:
        raise ConfigError("--only", [Problem("--only", f"unknown part {unknown}", f"known: {', '.join(PARTS)}")])
    return chosen


def _agi_indexes(site: Site, asked: int | None) -> Sequence[int]:
    if asked is None:
        return range(len(site.agi))
    if not 0 <= asked < len(site.agi):
        problem = Problem("--agi-index", f"the site has no AGI address number {asked}", f"0 to {len(site.agi) - 1}")
        raise ConfigError("--agi-index", [problem])
    return (asked,)
