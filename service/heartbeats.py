"""Who beats where: the keys of Redis in which parts write the time, and the node's globals the dialplan looks at.

Each AGI server has a beat of its own: with one for all a dead server would hide behind a living one, and a hang-up
handler that asks a frozen server cannot be freed but by the watchdog (ADR 0015).
"""

from collections.abc import Mapping
from typing import Final

from console.readiness import Probe, heartbeat_probe
from routing.live import HEARTBEAT_KEY
from tieline import variables
from tieline.clock import Clock
from tieline.live import Live
from tieline.topology import Site

AGI_STALE_S: Final = 4.0
"""As in the dialplan (hangup.conf)."""


def agi_key(index: int) -> str:
    """Name the key of an AGI server; the index counts the site's `agi` list from 0."""
    return f"tl:hb:agi:{index}"


def copied(site: Site) -> Mapping[str, str]:
    """Give the beats that a bridge copies to its node: key of Redis to global of Asterisk."""
    servers = {agi_key(index): variables.heartbeat_agi(index) for index in range(len(site.agi))}
    return {**servers, HEARTBEAT_KEY: variables.HEARTBEAT_MATCHER}


def agi_probes(site: Site, live: Live, clock: Clock) -> Mapping[str, Probe]:
    """Give a probe for each AGI server: one that is missing is worth an alarm though callers do not notice."""
    return {
        f"agi {index}": heartbeat_probe(live, agi_key(index), max_age_s=AGI_STALE_S, clock=clock)
        for index in range(len(site.agi))
    }
