"""What is written for waiting callers, and what is learned of estimates and talks."""

import msgspec
import pytest

from routing.matcher import Matcher, Rules
from routing.offers import MakeOffer
from routing.waits import MOST_CALLS, WAITS, Wait, Waits
from tests.unit.routing.test_expected_wait import LADDERS, NOW, TEN, call
from tieline.lease import Command
from tieline.model import SiteId

pytestmark = pytest.mark.unit


def matcher() -> Matcher:
    return Matcher(TEN, Rules(wrap_up_s=20), LADDERS, frozenset((SiteId("fuzhou"),)))


def written(commands: list[Command]) -> dict[str, Wait]:
    found: dict[str, Wait] = {}
    for command in commands:
        if command[:2] == ("HSET", WAITS):
            fields = command[2:]
            for name, raw in zip(fields[::2], fields[1::2], strict=True):
                assert isinstance(raw, bytes)
                found[str(name)] = msgspec.json.decode(raw, type=Wait)
    return found


def test_waits_are_written_once_a_second_and_taken_away_with_the_call() -> None:
    pool, waits = matcher(), Waits()
    pool.call_waiting(call("one", 5), NOW)
    first = waits.commands(pool, NOW)
    assert first[0] == ("DEL", WAITS)
    assert written(first) == {"one": Wait(0, None, NOW)}
    assert waits.commands(pool, NOW + 0.5) == []
    pool.call_gone(call("one").call_id, NOW + 1)
    assert waits.commands(pool, NOW + 1) == [("HDEL", WAITS, "one")]


def test_the_first_estimate_is_compared_when_an_agent_answers_and_talks_are_learned() -> None:
    pool, waits = matcher(), Waits()
    first = next(iter(TEN))
    pool.phone_seen(first, reachable=True, now=NOW)
    [offer] = [effect.offer for effect in pool.call_waiting(call("a"), NOW) if isinstance(effect, MakeOffer)]
    pool.taken(offer.call.call_id, first, offer.fence, NOW)
    pool.answered(offer.call.call_id, first, NOW)
    pool.call_waiting(call("b"), NOW)
    pool.call_waiting(call("gives-up"), NOW)
    found = written(waits.commands(pool, NOW))
    assert found == {"b": Wait(0, 180.0, NOW), "gives-up": Wait(1, 360.0, NOW)}
    pool.call_gone(call("gives-up").call_id, NOW + 50)
    effects = [*pool.agent_free(first, NOW + 100), *pool.tick(NOW + 121)]
    [offer] = [effect.offer for effect in effects if isinstance(effect, MakeOffer)]
    waits.commands(pool, NOW + 121)
    assert waits.metrics()["estimates_answered"] == 0  # it only rings
    pool.taken(offer.call.call_id, first, offer.fence, NOW + 122)
    pool.answered(offer.call.call_id, first, NOW + 125)
    waits.commands(pool, NOW + 125)
    told = waits.metrics()
    assert told["estimates_answered"] == 1
    assert told["estimates_waited_s"] == pytest.approx(125)
    assert told["estimates_error_s"] == pytest.approx(55)
    assert told["estimates_bias_s"] == pytest.approx(55)
    assert told["busy_mean_s"] == pytest.approx(180 + 0.05 * (121 - 180))


def test_beyond_all_measure_nothing_is_estimated() -> None:
    pool, waits = matcher(), Waits()
    for number in range(MOST_CALLS + 1):
        pool.call_waiting(call(f"c{number}"), NOW)
    assert written(waits.commands(pool, NOW)) == {}
    pool.call_gone(call("c0").call_id, NOW)
    assert len(written(waits.commands(pool, NOW + 1))) == MOST_CALLS


def test_a_storm_is_written_in_pieces_that_a_script_of_redis_can_take() -> None:
    pool, waits = matcher(), Waits()
    for number in range(1200):
        pool.call_waiting(call(f"c{number}"), NOW)
    commands = waits.commands(pool, NOW)
    assert max(map(len, commands)) <= 1002
    assert len(written(commands)) == 1200
