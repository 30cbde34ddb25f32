"""May this city use one more line? One atomic step in Redis; each held line is a lease named after its channel.

A lease is the channel's Uniqueid (it begins with the node's name and is never used twice, unlike the channel's
name, which starts again at 0 with the node). It ends with the channel; `trunk_config.reconciliation` ends those whose
channel Asterisk no longer has. The rule in its plain form is `trunk_config.quota.may_admit` (docs/adr/0020).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from tieline.errors import NotReady
from tieline.live import Live
from tieline.model import CityId, NodeId, RefusalCause
from trunk_config import admission_steps as steps
from trunk_config.quota import Allowances, SiteQuotas

LINES, IN_USE, QUOTA, MESSAGES, SAFETY = steps.KEYS


class Verdict(StrEnum):
    """What becomes of a call that asks for a line."""

    ADMIT = "admit"
    SAFETY = "safety"
    """Past the cap and the reserves, because the number is on the life-safety list."""
    MESSAGE = "message"
    """Refused, and told so."""
    SILENT = "silent"
    """Refused at once: as many callers as allowed are hearing a message."""


_VERDICTS: Final = (Verdict.SILENT, Verdict.ADMIT, Verdict.SAFETY, Verdict.MESSAGE)
"""As the step numbers them."""


@dataclass(frozen=True, slots=True)
class Admission:
    """The answer to a call.

    Attributes:
        in_use: Lines that the city uses now, this one included if it was granted.
        total: Lines that the site uses now, likewise.
        version: The quotas' version that was decided by.
        cause: Of a refusal, None when a line was granted.
    """

    verdict: Verdict
    in_use: int
    total: int
    version: int
    cause: RefusalCause | None

    @property
    def granted(self) -> bool:
        """Whether the call has a line."""
        return self.verdict in (Verdict.ADMIT, Verdict.SAFETY)


async def admit(
    live: Live,
    *,
    uniqueid: str,
    city: CityId,
    number: str,
    allowances: Allowances,
    now: float,
    deadline_s: float,
) -> Admission:
    """Take one line for a channel, or a place among those who hear a refusal. Asking twice counts once.

    Args:
        live: The site's Redis.
        uniqueid: Of the caller's channel.
        city: Whose call it is.
        number: The caller's, E.164; empty when it is not shown.
        allowances: What is rationed beside the quotas.
        now: Unix seconds.
        deadline_s: How long Redis may take.

    Raises:
        NotReady: No quotas are in force in this Redis: it has just started.
        TielineError: Redis did not answer in time. In both cases the node's own count (GROUP_COUNT) decides.
    """
    arguments = (uniqueid, city, f"{now:.3f}", number, allowances.messages, allowances.safety_lines)
    verdict, in_use, total, version, cause = await live.run(steps.ADMIT, steps.KEYS, arguments, deadline_s=deadline_s)
    if verdict < 0:
        raise NotReady("redis: no quotas are in force")
    return Admission(_VERDICTS[verdict], in_use, total, version, RefusalCause(cause) if cause else None)


@dataclass(frozen=True, slots=True)
class Leases:
    """A number of leases that were ended or added."""

    lines: int
    messages: int


async def release(live: Live, *uniqueids: str) -> Leases:
    """End the leases of channels and tell how many were held; unknown ones are no error, it may come twice."""
    if not uniqueids:
        return Leases(0, 0)
    return Leases(*await live.run(steps.RELEASE, steps.KEYS, uniqueids))


async def install(live: Live, version: int, profile: str, quotas: SiteQuotas) -> bool:
    """Put quotas in force, from the next call on; calls in progress are counted and not touched.

    Args:
        live: The site's Redis.
        version: 0 for what the file says, 1 and more for changes.
        profile: Its name.
        quotas: Of this site.

    Returns:
        False when a newer version is in force: nothing was changed.
    """
    rows = (value for city, quota in quotas.quotas.items() for value in (city, quota.reserve, quotas.limit(city)))
    return bool(await live.run(steps.INSTALL, steps.KEYS, (version, profile, quotas.lines, *rows)))


async def maybe_version(live: Live) -> int | None:
    """Give the version in force, None when there is none: Redis has restarted."""
    version = await live.call("HGET", QUOTA, "version")
    return None if version is None else int(version)


async def set_safety_numbers(live: Live, numbers: Iterable[str]) -> None:
    """Replace the life-safety list.

    Args:
        live: The site's Redis.
        numbers: E.164.
    """
    await live.run(steps.REPLACE_SAFETY, steps.KEYS, tuple(numbers))


async def in_use(live: Live) -> Mapping[CityId, int]:
    """Count the lines in use by city."""
    flat = await live.call("HGETALL", IN_USE)
    return {CityId(city.decode()): int(count) for city, count in zip(flat[::2], flat[1::2], strict=True)}


async def warm_up(live: Live) -> None:
    """Let Redis know the steps before the first call: else that one would pay for it within its 50 ms.

    Raises:
        TielineError: Redis is away; the steps are then learned with the first call.
    """
    for script in (steps.ADMIT, steps.RELEASE):
        await live.call("SCRIPT", "LOAD", script.source)


def node_of(uniqueid: str) -> NodeId:
    """Read the node out of a Uniqueid such as `fuzhou-1-1795249002.17` (Asterisk puts its systemname first)."""
    return NodeId(uniqueid.rpartition("-")[0])
