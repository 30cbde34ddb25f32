"""The text half of the catalogue."""

from pathlib import Path

import pytest

from ivr_prompts.texts import DATA, DIALECTS, FILES, FRAGMENT_MAX_MS, Piece, load_texts
from tieline.errors import ConfigError
from tieline.model import MANDARIN, DialectId
from tieline.topology_file import load_topology

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[3]


@pytest.fixture
def write(tmp_path: Path) -> Path:
    for name in FILES:
        (tmp_path / name).write_text("")
    return tmp_path


def test_an_id_used_in_two_files_is_named_with_both_places(write: Path) -> None:
    (write / "prompts.toml").write_text('[prompt.county_gulou]\ntext = "鼓"\n')
    (write / "places.toml").write_text('\n[county.gulou]\ntext = "鼓楼"\ngb_code = "350102"\n')
    with pytest.raises(ConfigError) as caught:
        load_texts(write)
    assert [str(problem) for problem in caught.value.problems] == [
        "places.toml:2: id county_gulou is used twice, first at prompts.toml:1 (rename it)"
    ]


def test_pieces_of_a_sentence_know_where_to_pause(write: Path) -> None:
    (write / "prompts.toml").write_text('[prompt.wait]\ntext = "您好，{county}预计{clock}。请稍候{count}位"\n')
    pieces = load_texts(write).pieces(MANDARIN)
    assert list(pieces.values()) == [
        Piece("wait-1", "您好，", "您好，", begins=True, ends=True, max_ms=20_000),
        Piece("wait-2", "预计", "预计", begins=False, ends=False, max_ms=20_000),
        Piece("wait-3", "。请稍候", "。请稍候", begins=True, ends=False, max_ms=20_000),
        Piece("wait-4", "位", "位", begins=False, ends=True, max_ms=20_000),
    ]


def test_a_fragment_joins_without_pause(write: Path) -> None:
    (write / "fragments.toml").write_text('[fragment.num_1]\ntext = "一"\n')
    expected = Piece("num_1", "一", "一", begins=False, ends=False, max_ms=FRAGMENT_MAX_MS)
    assert load_texts(write).pieces(MANDARIN) == {"num_1": expected}


def test_a_script_of_another_order_has_no_stand_in(write: Path) -> None:
    (write / "prompts.toml").write_text(
        '[prompt.same]\ntext = "约{minutes}分钟。"\nscript = { hakka = "大约{minutes}分。" }\n'
        '[prompt.other]\ntext = "{county}在{clock}。"\nscript = { hakka = "到{clock}有{county}。" }\n'
    )
    pieces = load_texts(write).pieces(DialectId("hakka"))
    assert {piece.id: (piece.text, piece.say) for piece in pieces.values()} == {
        "same-1": ("大约", "约"),
        "same-2": ("分。", "分钟。"),
        "other-1": ("到", None),
        "other-2": ("有", None),
    }


def test_only_mandarin_and_its_own_dialect_need_a_dialect_line() -> None:
    texts = load_texts()
    needing = [dialect for dialect in DIALECTS if "dialect_line_hakka-1" in texts.pieces(dialect)]
    assert needing == [MANDARIN, "hakka"]


def test_every_place_of_the_topology_has_a_name_and_no_other() -> None:
    topology = load_topology(ROOT / "examples" / "fujian.toml")
    expected = {f"city_{city.id}": city.name for city in topology.cities.values()}
    for city in topology.cities.values():
        expected |= {f"county_{county.id}": county.name for county in city.counties}
    prompts = load_texts().prompts
    spoken = {name: prompts[name].parts[0] for name in prompts if name.startswith(("city_", "county_"))}
    assert spoken == expected


def test_division_codes_are_those_of_the_topology() -> None:
    topology = load_topology(ROOT / "examples" / "fujian.toml")
    codes = (DATA / "places.toml").read_text(encoding="utf-8")
    for city in topology.cities.values():
        for county in city.counties:
            assert f'[county.{county.id}]\ntext = "{county.name}"\n' in codes
            assert codes.count(f'gb_code = "{county.gb_code}"') == 1
