"""Who beats where: the keys of Redis in which parts write the time, and the node's globals the dialplan looks at.

Each AGI server has a beat of its own: with one for all a dead server would hide behind a living one, and a hang-up
handler that asks a frozen server cannot be freed but by the watchdog (ADR 0015).
"""

from collections.abc import Mapping
from typing import Final

from console.readiness import Probe, heartbeat_probe
from routing.keys import HEARTBEAT_KEY
from tieline import variables
from tieline.clock import Clock
from tieline.live import Live
from tieline.topology import Site

STALE_S: Final = 4.0
"""As in the dialplan (hangup.conf)."""


def agi_key(index: int) -> str:
    """Name the key of an AGI server; the index counts the site's `agi` list from 0."""
    return f"tl:hb:agi:{index}"


def copied(site: Site) -> Mapping[str, str]:
    """Give the beats that a bridge copies to its node: key of Redis to global of Asterisk."""
    servers = {agi_key(index): variables.heartbeat_agi(index) for index in range(len(site.agi))}
    return {**servers, HEARTBEAT_KEY: variables.HEARTBEAT_MATCHER}


def probes(site: Site, live: Live, clock: Clock) -> Mapping[str, Probe]:
    """Give a probe for the matchers, and one for each AGI server: a missing one is worth an alarm, callers or not."""
    keys = {f"agi {index}": agi_key(index) for index in range(len(site.agi))} | {"matcher": HEARTBEAT_KEY}
    return {name: heartbeat_probe(live, key, max_age_s=STALE_S, clock=clock) for name, key in keys.items()}
