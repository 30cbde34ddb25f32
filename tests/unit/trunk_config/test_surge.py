"""States with hysteresis: when they begin, when they give way, and what a restart keeps."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunk_config.surge import Level, State, Thresholds, Watch, arrived, calls_in_window, judged

pytestmark = pytest.mark.unit

THRESHOLDS = Thresholds(window_s=300, calm_after_s=300, rising=Level(2.5, 1.5), surge=Level(5.0, 3.0))
USUAL = 10.0
START = 1_795_250_000.0


def calling(watch: Watch, calls: int, at: float) -> Watch:
    for _ in range(calls):
        watch = arrived(watch, at)
    return watch


def states(calls_a_minute: list[int], *, usual: float = USUAL, watch: Watch | None = None) -> list[State]:
    """Let so many calls come each minute, and judge at its end."""
    watch, found = watch or Watch(), []
    for minute, calls in enumerate(calls_a_minute):
        watch = calling(watch, calls, START + 60 * minute)
        watch = judged(watch, usual, START + 60 * minute + 50, THRESHOLDS)
        found.append(watch.state)
    return found


def test_the_usual_is_calm_and_a_surge_begins_at_once() -> None:
    assert set(states([2] * 20)) == {State.CALM}
    assert states([2, 2, 24, 30]) == [State.CALM, State.CALM, State.RISING, State.SURGE]
    assert states([50]) == [State.SURGE]


@pytest.mark.parametrize(
    ("calls", "state"), [(24, State.CALM), (25, State.RISING), (49, State.RISING), (50, State.SURGE)]
)
def test_a_state_begins_exactly_at_its_level(calls: int, state: State) -> None:
    watch = judged(calling(Watch(), calls, START), USUAL, START + 1, THRESHOLDS)
    assert (watch.state, watch.since) == (state, 0.0 if state is State.CALM else START + 1)


def test_between_leave_and_enter_a_state_stays_whatever_it_is() -> None:
    for state in State:
        watch = Watch(state=state, since=1.0)
        calls = {State.CALM: 24, State.RISING: 15, State.SURGE: 30}[state]
        for minute in range(60):  # the same calls for an hour
            watch = msgspec.structs.replace(watch, slots=())
            watch = judged(calling(watch, calls, START + 60 * minute), USUAL, START + 60 * minute, THRESHOLDS)
        assert (watch.state, watch.since) == (state, 1.0)


def test_a_surge_gives_way_one_state_after_the_other_and_only_after_the_wait() -> None:
    watch = judged(calling(Watch(), 60, START), USUAL, START, THRESHOLDS)
    found: list[tuple[int, State]] = []
    for second in range(10, 1500, 10):
        watch = judged(watch, USUAL, START + second, THRESHOLDS)
        if not found or found[-1][1] is not watch.state:
            found.append((second, watch.state))
    # The calls leave the window after 300 s, then `leave` must be undercut for 300 s, twice.
    assert found == [(10, State.SURGE), (600, State.RISING), (910, State.CALM)]


def test_one_lively_minute_starts_the_wait_anew() -> None:
    watch = Watch(state=State.RISING, since=1.0, few_since=START)
    watch = judged(calling(watch, 16, START + 250), USUAL, START + 250, THRESHOLDS)
    assert (watch.state, watch.few_since) == (State.RISING, 0.0)
    watch = judged(watch, USUAL, START + 560, THRESHOLDS)
    assert (watch.state, watch.few_since) == (State.RISING, START + 560)


def test_a_call_told_late_counts_and_slots_stay_in_order() -> None:
    watch = arrived(arrived(arrived(Watch(), START + 20), START), START + 40)
    assert watch.slots == ((179525002, 2), (179525004, 1))


def test_old_calls_leave_the_window() -> None:
    watch = arrived(arrived(Watch(), START), START + 290)
    assert calls_in_window(judged(watch, USUAL, START + 299, THRESHOLDS)) == 2
    assert calls_in_window(judged(watch, USUAL, START + 310, THRESHOLDS)) == 1
    assert calls_in_window(judged(watch, USUAL, START + 5000, THRESHOLDS)) == 0


def test_a_restart_goes_on_where_it_was() -> None:
    watch = judged(calling(Watch(), 60, START), USUAL, START, THRESHOLDS)
    again = msgspec.json.decode(msgspec.json.encode(watch), type=Watch)
    assert again == watch
    assert judged(again, USUAL, START + 10, THRESHOLDS).state is State.SURGE


@given(st.lists(st.integers(0, 40), max_size=60))
def test_a_state_never_falls_by_two_and_never_within_the_wait(calls_a_minute: list[int]) -> None:
    watch, order = Watch(), list(State)
    for minute, calls in enumerate(calls_a_minute):
        before, now = watch, START + 60 * minute
        watch = judged(calling(watch, calls, now), USUAL, now, THRESHOLDS)
        fell = order.index(before.state) - order.index(watch.state)
        assert fell <= 1
        if fell == 1:
            assert now - before.since >= THRESHOLDS.calm_after_s
