"""The load that was measured at a site, for the forecast: it joins the calls (`crm_adapter`) with the network."""

from collections.abc import Mapping
from typing import Final

from crm_adapter.offered import busy_hour_loads
from crm_adapter.store import Store
from tieline.clock import iso_china
from tieline.errors import NotReady
from tieline.model import CityId, SiteId
from tieline.topology import Topology

DAYS: Final = 7
"""What a forecast looks back at when nothing else is asked."""
DAYS_AT_MOST: Final = 400

_DAY_S: Final = 86_400


async def measured_load(
    store: Store, topology: Topology, site: SiteId, *, days: int, now: float
) -> tuple[Mapping[CityId, float], str]:
    """Give each city's offered load in its busy hour, Erlang, and say where it comes from.

    Args:
        store: With the calls.
        topology: Its cities count; others are left out.
        site: Whose calls.
        days: How far to look back.
        now: Unix seconds.

    Raises:
        NotReady: No call ended there in that time.
        TielineError: As `Store.offered`.
    """
    since = now - days * _DAY_S
    loads = busy_hour_loads(await store.offered(since, now, site=site))
    if not loads:
        raise NotReady(f"no call ended at {site} within {days} days: give the loads (`--load`, `--load-file`)")
    told = f"measured, busy hours from {iso_china(since)} to {iso_china(now)}"
    return {city: loads[city] for city in topology.cities if city in loads}, told
