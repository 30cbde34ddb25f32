"""A short trace through a real app_queue: every answer is one that its configuration allows."""

import pytest

from bench.queue_real import real
from bench.queue_setup import QueueSetup, Reach
from bench.queue_trace import OPEN_S, make_trace, modelled, shares
from bench.world.files import load_world
from lab.root import need_root

pytestmark = pytest.mark.live


def test_a_real_queue_takes_the_trace() -> None:
    world, setup = load_world(), QueueSetup(Reach.BOTH, OPEN_S)
    trace, answers = real(make_trace(40, 2.0, 1), setup, world.callers.mismatch, need_root())
    calls = {call.call_id: call for _, call in trace.calls}
    agents = {agent.id: agent for agent in trace.agents}
    assert len({answer.call_id for answer in answers}) == len(answers)
    for answer in answers:
        dialect = calls[answer.call_id].caller.dialect
        assert agents[answer.agent].speaks(dialect) or answer.wait_s >= OPEN_S
    found, model = shares(trace, answers), shares(trace, modelled(trace, setup, world))
    assert found.answered > 0.8
    assert model.answered > 0.8
