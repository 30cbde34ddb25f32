"""A small site for the tests of admission, and short ways to ask it."""

from tieline.live import Live
from tieline.model import CityId, SiteId
from trunk_config.admission import QUOTA, Admission, admit
from trunk_config.quota import Allowances, Quota, SiteQuotas

FUZHOU, PUTIAN = CityId("fuzhou"), CityId("putian")
SITE = SiteId("fuzhou")
RATION = Allowances(messages=2, safety_lines=1)


def quotas(fuzhou: Quota, putian: Quota, *, lines: int = 300) -> SiteQuotas:
    return SiteQuotas(SITE, lines, {FUZHOU: fuzhou, PUTIAN: putian}, {FUZHOU: 400, PUTIAN: 400})


def uniqueid(number: int, *, node: str = "fuzhou-1", second: int = 100) -> str:
    return f"{node}-{second}.{number}"


async def ask(
    live: Live, channel: int | str, city: CityId = FUZHOU, *, number: str = "", now: float = 100.0
) -> Admission:
    name = channel if isinstance(channel, str) else uniqueid(channel)
    return await admit(live, uniqueid=name, city=city, number=number, allowances=RATION, now=now, deadline_s=2)


async def kept_up(live: Live) -> dict[str, int]:
    """What the steps keep up in the quota hash."""
    names = ("total", "short", "safety")
    return {name: int(value) for name, value in zip(names, await live.call("HMGET", QUOTA, *names), strict=True)}
