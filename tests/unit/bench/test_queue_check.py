"""The trace that the model of app_queue and the real one get, and what the real one's Asterisk is told."""

from dataclasses import replace
from pathlib import Path

import pytest

from bench import queue_check, queue_real
from bench.queue_setup import QueueSetup, Reach
from bench.queue_trace import OPEN_S, SITE, Answer, Shares, Trace, make_trace, modelled, shares
from bench.world.files import load_world
from bench.world.model import Mismatch
from tieline.model import AgentId, CallId, DialectId

pytestmark = pytest.mark.unit

PLAIN = QueueSetup(Reach.BOTH, OPEN_S)


def test_a_trace_is_its_seed() -> None:
    once, twice, other = make_trace(200, 2.0, 1), make_trace(200, 2.0, 1), make_trace(200, 2.0, 2)
    assert [(at, call.talk_s) for at, call in once.calls] == [(at, call.talk_s) for at, call in twice.calls]
    assert [at for at, _ in once.calls] != [at for at, _ in other.calls]
    assert 200 / once.calls[-1][0] == pytest.approx(2.0, rel=0.2)
    assert {agent.site for agent in once.agents} == {SITE}


def test_the_model_answers_everybody_when_there_is_little_to_do() -> None:
    world, trace = load_world(), make_trace(50, 0.2, 1)
    patient = Trace([(at, replace(call, patience_s=100.0)) for at, call in trace.calls], trace.agents)
    found = shares(patient, modelled(patient, PLAIN, world))
    assert (found.answered, found.soon, found.own) == (1.0, 1.0, 1.0)


def test_shares() -> None:
    trace = make_trace(40, 1.0, 3)
    wanting = [call for _, call in trace.calls if call.caller.wants_dialect]
    speaker = next(agent for agent in trace.agents if agent.speaks(wanting[0].caller.dialect))
    mandarin = next(agent for agent in trace.agents if not agent.speaks(wanting[1].caller.dialect))
    found = shares(trace, [Answer(wanting[0].call_id, speaker.id, 1.0), Answer(wanting[1].call_id, mandarin.id, 9.0)])
    assert (found.answered, found.soon, found.own) == (2 / 40, 1 / 40, 1 / len(wanting))


def test_what_asterisk_is_told() -> None:
    trace = make_trace(20, 2.0, 1)
    values = queue_real.values_of(trace, replace(PLAIN, weighted=True), Mismatch(1.1, 1.25, 1.4))
    text = queue_real.rendered(values, Path("/folder"), Path("/modules"))
    files = dict(queue_real.split_files(text))
    assert files.keys() == {
        "asterisk.conf", "modules.conf", "logger.conf", "extensions.conf", "queues.conf", "queuerules.conf"
    }  # fmt: skip
    assert files["queuerules.conf"].split() == ["[later]", "penaltychange", "=>", "3,5"]
    assert files["extensions.conf"].count("Originate(") == 20
    puxian = files["queues.conf"].partition("[puxian]")[2].partition("[")[0]
    assert "weight = 1" in puxian
    assert "weight = 0" in files["queues.conf"].partition("[mandarin]")[2].partition("[")[0]
    for agent in trace.agents:
        assert (f"Local/{agent.id}@agents/n,1,{agent.id}," in puxian) is agent.speaks(DialectId("puxian"))


def test_times_are_read_back(tmp_path: Path) -> None:
    times = tmp_path / "times"
    times.write_text("came,0,,100.250\ncame,1,,101.000\nanswered,0,a101,101.750\n")
    came, answers = queue_real.read_times(times)
    assert came == {"0": 100.25, "1": 101.0}
    assert answers == [Answer(CallId("0"), AgentId("a101"), 1.5)]


def test_differences_have_a_goal(monkeypatch: pytest.MonkeyPatch) -> None:
    world = load_world()
    monkeypatch.setattr(
        queue_check, "real", lambda trace, setup, mismatch, root: (trace, modelled(trace, setup, world)[:-3])
    )
    said: list[str] = []
    result = queue_check.run(Path("/nowhere"), calls=60, traces=2, seed=1, say=said.append)
    assert len(said) == 2
    assert result.figures["plain_answered_difference"].value == pytest.approx(3 / 60)
    assert not result.figures["plain_answered_difference"].met
    assert {name for name, figure in result.figures.items() if figure.goal == 0.02} == {
        f"{setup}_{name}_difference" for setup in ("plain", "weight") for name in ("answered", "soon", "own")
    }


def test_shares_are_means_and_the_real_one_is_told_beside_itself() -> None:
    model = Shares(0.5, 0.5, 0.5)
    real = [Shares(0.5, 0.5, own) for own in (0.4, 0.6, 0.5, 0.5)]
    found = queue_check.figures_of([queue_check.Run(each, model) for each in real])
    assert found["own_difference"].value == 0.0
    assert found["own_real"].value == 0.5
    assert found["own_itself"].value == pytest.approx((0.2**2 / 2) ** 0.5, rel=1e-4)
    assert found["own_error"].value == pytest.approx((0.02 / 3 / 4) ** 0.5, rel=1e-4)
