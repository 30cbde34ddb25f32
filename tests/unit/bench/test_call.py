"""The call bench: what it counts, and what its plain arm asks."""

import os
import time
from pathlib import Path

import pytest

from bench.call import cost_figures
from bench.call_arms import KEYS, PLAIN, TIELINE, Question, arm_parts, questions
from bench.call_cost import TICK_MS, Reading, Spent, per_call, spent, tree_ms
from ivr_prompts.flow import Ask, MenuFlow, Say
from lab.errors import LabError
from lab.parts import Exits, Part
from tieline.topology_file import load_topology

pytestmark = pytest.mark.unit

ROOT = Path(__file__).resolve().parents[3]
IDLE = Spent(
    10.0, {"edge-1": 10.0, "fuzhou-1": 50.0, "tieline-fuzhou": 100.0, "redis-fuzhou": 20.0, "xiamen-1": 30.0}
)


def test_a_difference_of_readings_leaves_out_what_came_or_went() -> None:
    before = Reading(100.0, {"edge-1": 5.0, "gone": 7.0})
    after = Reading(110.0, {"edge-1": 25.0, "new": 3.0})
    assert spent(before, after) == Spent(10.0, {"edge-1": 20.0})


def test_a_call_costs_what_is_beyond_the_rest() -> None:
    cost = Spent(20.0, {"tieline-fuzhou": 1200.0, "fuzhou-1": 9999.0})
    assert per_call(cost, IDLE, "tieline-", 100) == pytest.approx((1200 - 200) / 100)


def test_the_cpu_of_a_process_counts_what_it_spends() -> None:
    before = tree_ms(os.getpid())
    until = time.process_time() + 5 * TICK_MS / 1000
    while time.process_time() < until:
        pass
    assert tree_ms(os.getpid()) - before >= 3 * TICK_MS


def test_a_process_that_is_gone_costs_nothing(tmp_path: Path) -> None:
    assert tree_ms(os.getpid(), tmp_path) == 0.0


def test_the_goals_are_judged_by_the_median_of_the_ratios_within_a_round() -> None:
    def round_(python: float, asterisk: float, plain: float) -> tuple[Spent, Spent]:
        ours = {"tieline-fuzhou": python, "redis-fuzhou": 100.0, "fuzhou-1": asterisk, "edge-1": 50.0}
        return Spent(0.0, ours), Spent(0.0, {"xiamen-1": plain, "edge-1": 40.0})

    # A busy machine in the third round, one slow neighbour in the second: neither may decide.
    costs = [round_(700, 2000, 1600), round_(2900, 2000, 1000), round_(1500, 4000, 3200)]
    found = cost_figures(costs, IDLE, 100)
    assert found["python_and_redis_of_asterisk"].value == pytest.approx(0.4)
    assert found["python_and_redis_of_asterisk"].met
    assert found["asterisk_of_plain"].value == pytest.approx(1.25)
    assert found["asterisk_of_plain"].met
    assert found["tieline_python"].value == 15.0
    assert found["plain_asterisk"].value == 16.0
    assert found["at_rest_python"].value == 10.0


def test_the_plain_site_runs_no_tieline_and_its_redis_is_there_for_the_replicas() -> None:
    topology = load_topology(ROOT / "examples/fujian.toml")

    def part(name: str, *after: str) -> Part:
        return Part(name=name, argv=("true",), ready=Exits(), log="log", after=after)

    parts = [
        part("redis-fuzhou"),
        part("redis-xiamen"),
        part("redis-xiamen-at-fuzhou", "redis-xiamen"),
        part("xiamen-1"),
        part("tieline-xiamen", "redis-xiamen", "xiamen-1"),
        part("tieline-xiamen-agi-0", "redis-xiamen", "xiamen-1"),
        part("tieline-xiamen-agi-1", "redis-xiamen", "xiamen-1"),
        part("phones-xiamen"),
        part("register-xiamen", "tieline-xiamen", "tieline-xiamen-agi-1", "phones-xiamen"),
    ]
    kept = {one.name: one.after for one in arm_parts(topology, parts)}
    assert kept == {
        "redis-fuzhou": (),
        "redis-xiamen": (),
        "redis-xiamen-at-fuzhou": ("redis-xiamen",),
        "xiamen-1": (),
        "phones-xiamen": (),
        "register-xiamen": ("phones-xiamen", "xiamen-1"),
    }


class _Flow(MenuFlow):
    """A menu that asks the same for as many keys as it is told."""

    def __init__(self, asks: int) -> None:
        # Not the real menus: how many questions there are is what is tried.
        self._asks = asks

    def start(self) -> Ask:
        return Ask(("mandarin/greeting", "mandarin/num_1"), 1, 5000, "19")

    def on_digits(self, digits: str) -> Ask | Say:
        assert digits in KEYS
        self._asks -= 1
        return self.start() if self._asks else Say(())


def _ask(asks: int) -> tuple[Question, ...]:
    return questions(_Flow(asks), lambda files: tuple(f"/sounds/{file}" for file in files))


def test_the_plain_arm_asks_once_for_each_key() -> None:
    found = _ask(len(KEYS))
    assert [question.files for question in found] == ["/sounds/mandarin/greeting&/sounds/mandarin/num_1"] * 5
    assert {(question.max_digits, question.timeout_s) for question in found} == {(1, 5.0)}


@pytest.mark.parametrize("asks", [len(KEYS) - 1, len(KEYS) + 1])
def test_menus_that_the_keys_do_not_fit_are_refused(asks: int) -> None:
    with pytest.raises(LabError, match=KEYS):
        _ask(asks)


def test_the_arms_have_nodes_and_cities_of_their_own() -> None:
    topology = load_topology(ROOT / "examples/fujian.toml")
    assert TIELINE.site != PLAIN.site
    for arm in (TIELINE, PLAIN):
        assert topology.cities[arm.city].home == arm.site
