"""The copy of the moment that sessions work with, on a real Redis."""

from collections.abc import AsyncIterator, Iterator

import msgspec
import pytest

from agi.scripts.situation import Situation
from ivr_prompts.notice import Notice
from ivr_prompts.notice_live import write_copy
from tests.support.redis_server import RedisServer, redis_server
from tieline.errors import ConnectionLost
from tieline.live import Live
from tieline.model import CityId

pytestmark = pytest.mark.component

NOW = 1_795_250_000.0
FUZHOU = CityId("fuzhou")
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
    situation = Situation(live)
    await situation.look()
    assert situation.notices(FUZHOU, NOW) == ()
    await write_copy(live, [STORM, msgspec.structs.replace(STORM, city="putian")], NOW)
    await situation.look()
    assert situation.notices(FUZHOU, NOW) == (STORM,)
    assert situation.notices(FUZHOU, NOW + 600) == ()


async def test_without_redis_the_last_copy_stays(live: Live, redis: RedisServer) -> None:
    situation = Situation(live)
    await write_copy(live, [STORM], NOW)
    await situation.look()
    redis.stop()
    with pytest.raises(ConnectionLost):
        await situation.look()
    assert situation.notices(FUZHOU, NOW) == (STORM,)
