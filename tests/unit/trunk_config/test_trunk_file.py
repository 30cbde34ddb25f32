"""The state of a trunk group is one line of the topology's file; everything else in it stays as it was written."""

import difflib
from pathlib import Path

import pytest

from tieline.errors import ConfigError
from tieline.topology import TrunkState
from tieline.topology_file import load_topology
from trunk_config.trunk_file import with_state

pytestmark = pytest.mark.unit

TEXT = (Path(__file__).parents[3] / "examples/fujian.toml").read_text()


def changed_lines(before: str, after: str) -> list[str]:
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), n=0)
    return [line for line in lines if line[0] in "+-" and line[:3] not in ("+++", "---")]


def state_of(text: str, group: str, folder: Path) -> TrunkState:
    (folder / "network.toml").write_text(text)
    topology = load_topology(folder / "network.toml")
    return next(one.state for city in topology.cities.values() for one in city.trunk_groups if one.id == group)


def test_a_state_is_written_and_changed_in_one_line(tmp_path: Path) -> None:
    blocked = with_state(TEXT, "tg-putian", TrunkState.BLOCKED)
    assert changed_lines(TEXT, blocked) == ['+state = "blocked"']
    assert state_of(blocked, "tg-putian", tmp_path) is TrunkState.BLOCKED
    assert state_of(blocked, "tg-fuzhou", tmp_path) is TrunkState.IN_SERVICE
    back = with_state(blocked, "tg-putian", TrunkState.IN_SERVICE)
    assert changed_lines(blocked, back) == ['-state = "blocked"', '+state = "in_service"']
    assert state_of(back, "tg-putian", tmp_path) is TrunkState.IN_SERVICE


def test_comments_and_spacing_of_the_line_stay() -> None:
    text = TEXT.replace('id = "tg-putian"', "id = \"tg-putian\"  # old exchange\n  state  =  'blocked'  # since May")
    after = with_state(text, "tg-putian", TrunkState.IN_SERVICE)
    assert changed_lines(text, after)[1] == '+  state  =  "in_service"  # since May'


def test_an_unknown_trunk_group_is_refused() -> None:
    with pytest.raises(ConfigError, match="no such trunk group"):
        with_state(TEXT, "tg-taipei", TrunkState.BLOCKED)


@pytest.mark.parametrize(
    "written",
    [
        'trunk_group = [{ id = "tg-putian", source = "127.0.24.4", e1 = 2 }]',
        'trunk_group = [\n    { id = "tg-putian", source = "127.0.24.4", e1 = 2 },\n]',
    ],
)
def test_a_trunk_group_written_in_one_line_is_left_to_its_author(written: str) -> None:
    table = '[[city.trunk_group]]\nid = "tg-putian"\nsource = "127.0.24.4"\noutbound = "127.0.24.4:5160"\ne1 = 2\n'
    text = TEXT.replace(table, "").replace('area_code = "0594"\n', f'area_code = "0594"\n{written}\n')
    assert text.count("tg-putian") == 1
    with pytest.raises(ConfigError, match="by hand"):
        with_state(text, "tg-putian", TrunkState.BLOCKED)
