"""What callers are told of the moment, as a copy in this process of what the site's Redis has.

Looked at once a second, so that no call pays for it with a command of its own. Without Redis the last copy stays; a
notice ends by the clock all the same.
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import Final

from ivr_prompts.notice import Notice, of_city
from ivr_prompts.notice_live import read_notices
from ivr_prompts.refusal import reason_prompts
from ivr_prompts.texts import Texts
from tieline.errors import ConfigError, Problem, TielineError
from tieline.live import Live
from tieline.model import CityId
from trunk_config.surge import State
from trunk_config.surge_live import read_states
from trunk_config.surge_rules import Effect

EVERY_S: Final = 1.0
_NONE: Final = Effect()


class Situation:
    """The moment of one site, shared by all sessions of the process.

    Args:
        live: The site's Redis.
        effects: What a city's state sets off.
    """

    def __init__(self, live: Live, effects: Mapping[State, Effect]) -> None:
        self._live = live
        self._effects = effects
        self._notices: tuple[Notice, ...] = ()
        self._states: Mapping[CityId, State] = {}

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            with suppress(TielineError):
                await self.look()
            await asyncio.sleep(EVERY_S)

    async def look(self) -> None:
        """Take a new copy.

        Raises:
            TielineError: Redis is away; the old copy stays.
        """
        self._notices, self._states = await asyncio.gather(read_notices(self._live), read_states(self._live))

    def notices(self, city: CityId, now: float) -> tuple[Notice, ...]:
        """Give the notices of a city that hold at `now`, the most important first."""
        return of_city(self._notices, city, now) if self._notices else ()

    def effect(self, city: CityId) -> Effect:
        """Give what the way a city calls sets off for its callers."""
        return self._effects.get(self._states.get(city, State.CALM), _NONE)


def check_effects(effects: Mapping[State, Effect], texts: Texts) -> None:
    """Refuse effects that name a prompt which cannot be the reason of a refusal.

    Raises:
        ConfigError: With every such prompt.
    """
    known = reason_prompts(texts)
    problems = [
        Problem(f"effect {state}", f"no prompt `{effect.refusal}` for a refusal", "use one of " + ", ".join(known))
        for state, effect in effects.items()
        if effect.refusal and effect.refusal not in known
    ]
    if problems:
        raise ConfigError("surge.toml", problems)
