import pytest

from ami_bridge.node_link import NodeLink, Patience, retry_pause_s

pytestmark = pytest.mark.unit


def test_the_secret_is_not_shown() -> None:
    assert "hush" not in repr(NodeLink("fuzhou-1", "127.0.0.1", 5038, "tieline", "hush"))


def test_pauses_double_with_jitter_up_to_the_longest() -> None:
    patience = Patience(retry_first_s=0.25, retry_most_s=10)
    assert [retry_pause_s(patience, attempt, 0) for attempt in (1, 2, 3)] == [0.125, 0.25, 0.5]
    assert [retry_pause_s(patience, attempt, 0.999) for attempt in (6, 7, 99, 10**6)] == pytest.approx(
        [7.996, 9.995, 9.995, 9.995]
    )


def test_a_silent_peer_is_noticed_before_the_hold_loop_gives_the_matcher_up() -> None:
    assert Patience().ping_every_s + Patience().ping_deadline_s < 8
