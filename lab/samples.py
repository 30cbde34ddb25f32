"""The sample calls of the demo: every city, several dialects and businesses, every way a call can end. Data."""

import re
from dataclasses import dataclass
from typing import Final

from lab.errors import LabError
from lab.scripts import Answers, CallerScript, HangUp, IsRefused, Pause, Press, Talks, WaitForBye
from tieline.model import MANDARIN, Business, CityId, DialectId, Outcome

FULL_CITY: Final = CityId("nanping")
"""Has one line in the demo, so that its second call at a time is refused."""

PHONES: Final = Answers(ring_ms=1500, talk_ms=5000)
"""Agents in the demo hang up after five seconds, unless the caller was first."""

GREETED_MS: Final = 1500
KEYS_MS: Final = 1500
"""Two keys have arrived so long after SIPp was told to press them (measured: 0.9 to 1.45 s)."""
_IN_WAITING_MS: Final = KEYS_MS + 500
_IN_TALK_MS: Final = KEYS_MS + 200 + 1500 + 1800
_IN_RATING_MS: Final = KEYS_MS + 200 + 1500 + 5000 + 800
"""From the keys on: matched in at most 200 ms, then the phone rings, then they talk."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One sample call.

    Attributes:
        ends: rated (the agent hangs up, the caller rates), caller (hangs up first), menu, waiting, refused.
        after_s: Placed so many seconds after the first.
        outcome: What must become of it.
    """

    city: CityId
    dialect: DialectId
    business: Business
    ends: str
    after_s: float
    outcome: Outcome

    @property
    def reaches_pool(self) -> bool:
        """Whether the caller chooses dialect and business, and waits for an agent."""
        return self.outcome in (Outcome.ANSWERED, Outcome.ABANDONED_WAITING)


def _sample(city: str, dialect: str, business: Business, ends: str, after_s: float) -> Sample:
    outcome = _OUTCOMES.get(ends, Outcome.ANSWERED)
    return Sample(CityId(city), DialectId(dialect), business, ends, after_s, outcome)


_OUTCOMES: Final = {
    "menu": Outcome.ABANDONED_MENU,
    "waiting": Outcome.ABANDONED_WAITING,
    "refused": Outcome.REFUSED,
}

SAMPLES: Final = (
    _sample("fuzhou", "min_dong", Business.REPAIR, "rated", 0.0),
    _sample("fuzhou", MANDARIN, Business.BILLING, "caller", 0.4),
    _sample("putian", "puxian", Business.OUTAGE, "rated", 0.8),
    _sample("nanping", "min_bei", Business.REPAIR, "rated", 1.2),
    _sample("sanming", "hakka", Business.REPAIR, "caller", 1.6),
    _sample("ningde", "min_dong", Business.COMPLAINT, "rated", 2.0),
    _sample("xiamen", "min_nan", Business.EXPANSION, "rated", 2.4),
    _sample("quanzhou", "min_nan", Business.REPAIR, "caller", 2.8),
    _sample("quanzhou", "min_nan", Business.OUTAGE, "menu", 3.2),
    _sample("nanping", MANDARIN, Business.REPAIR, "refused", 3.6),
    _sample("zhangzhou", "min_nan", Business.REPAIR, "rated", 4.0),
    _sample("zhangzhou", MANDARIN, Business.REPAIR, "waiting", 4.4),
    _sample("longyan", "hakka", Business.BILLING, "caller", 4.8),
)


def sample_script(sample: Sample, keys: str) -> CallerScript:
    """Turn a sample into what its caller does.

    Args:
        sample: The sample.
        keys: What leads the caller to the waiting pool.
    """
    chosen = (Pause(GREETED_MS), Press(keys))
    match sample.ends:
        case "menu":
            return Talks((Pause(GREETED_MS), HangUp()))
        case "waiting":
            return Talks((*chosen, Pause(_IN_WAITING_MS), HangUp()))
        case "caller":
            return Talks((*chosen, Pause(_IN_TALK_MS), HangUp()))
        case "refused":
            return IsRefused(status=503, cause=34)
        case _:
            return Talks((*chosen, Pause(_IN_RATING_MS), Press("1"), WaitForBye(40_000)))


def quotas_with_full_city(text: str, city: CityId = FULL_CITY) -> str:
    """Give the text of a quotas' file with one line for a city in each profile.

    Raises:
        LabError: The text has no quota of such a city on one line.
    """
    changed, found = re.subn(
        rf"^{re.escape(city)} = \{{.*\}}$", f"{city} = {{ reserve = 1, cap = 1 }}", text, flags=re.MULTILINE
    )
    if not found:
        raise LabError(f"no quota of {city} in the file")
    return changed
