"""The copy of the moment that sessions work with, on a real Redis."""

from collections.abc import AsyncIterator, Iterator

import msgspec
import pytest

from agi.scripts.situation import Situation, check_effects
from ivr_prompts.notice import Notice
from ivr_prompts.notice_live import write_copy
from tests.support.redis_server import RedisServer, redis_server
from tests.unit.ivr_prompts.worlds import UNBUILT
from tieline import bus
from tieline.errors import ConfigError, ConnectionLost
from tieline.live import Live
from tieline.model import CityId
from trunk_config.surge import State
from trunk_config.surge_live import write_states
from trunk_config.surge_rules import Effect

pytestmark = pytest.mark.component

NOW = 1_795_250_000.0
FUZHOU = CityId("fuzhou")
EFFECTS = {State.SURGE: Effect("refuse_surge", short_menu=True), State.RISING: Effect("refuse_surge")}
STORM = Notice(city="fuzhou", cause="storm", until=NOW + 600, by="me", since=NOW)


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    with redis_server() as server:
        yield server


@pytest.fixture
async def live(redis: RedisServer) -> AsyncIterator[Live]:
    made = Live(redis.url)
    yield made
    await made.close()


async def test_what_redis_has_is_told_until_its_end(live: Live) -> None:
    situation = Situation(live, EFFECTS)
    await situation.look()
    assert situation.notices(FUZHOU, NOW) == ()
    await write_copy(live, [STORM, msgspec.structs.replace(STORM, city="putian")], NOW)
    await situation.look()
    assert situation.notices(FUZHOU, NOW) == (STORM,)
    assert situation.notices(FUZHOU, NOW + 600) == ()


async def test_without_redis_the_last_copy_stays(live: Live, redis: RedisServer) -> None:
    situation = Situation(live, EFFECTS)
    await write_copy(live, [STORM], NOW)
    await situation.look()
    redis.stop()
    with pytest.raises(ConnectionLost):
        await situation.look()
    assert situation.notices(FUZHOU, NOW) == (STORM,)


@pytest.mark.parametrize("state", State)
async def test_the_state_of_a_city_sets_off_its_effect(live: Live, state: State) -> None:
    situation = Situation(live, EFFECTS)
    surge = bus.SurgeChanged(at=NOW, city="fuzhou", state=state, calls=90, usual=9.5, proposal="divert xiamen")
    await write_states(live, {FUZHOU: surge})
    await situation.look()
    assert situation.effect(FUZHOU) == EFFECTS.get(state, Effect())
    assert situation.effect(CityId("putian")) == Effect()


def test_an_effect_with_a_prompt_that_is_no_reason_is_refused() -> None:
    check_effects(EFFECTS, UNBUILT.texts)
    wrong = {State.SURGE: Effect("refuse_notice"), State.RISING: Effect("greeting")}
    with pytest.raises(ConfigError) as caught:
        check_effects(wrong, UNBUILT.texts)
    assert [problem.what for problem in caught.value.problems] == [
        "no prompt `refuse_notice` for a refusal",
        "no prompt `greeting` for a refusal",
    ]
