"""What a scrape gets of trunk groups."""

import pytest

from console.metrics import TrunkCollector, exposition

pytestmark = pytest.mark.unit


def test_refused_calls_of_trunk_groups_are_a_counter() -> None:
    text = exposition(TrunkCollector({"tg-putian": 3})).decode()
    assert 'tieline_trunk_refused_total{group="tg-putian"} 3.0' in text


def test_without_an_edge_there_is_nothing_to_tell() -> None:
    assert "tieline_trunk_refused_total{" not in exposition(TrunkCollector(None)).decode()
