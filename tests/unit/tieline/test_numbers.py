"""Callers' numbers as trunks really show them; the tables are what was measured and what `numbers` makes of it."""

from pathlib import Path

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st
from phonenumbers import geocoder

from tieline.errors import ConfigError
from tieline.model import CallerNumber, CityId, NumberState
from tieline.numbers import NumberPlan, load_number_plan, parse_caller
from tieline.topology import Topology
from tieline.topology_file import load_topology

pytestmark = pytest.mark.unit

PLAN = load_number_plan(load_topology(Path(__file__).parents[3] / "examples/fujian.toml").cities.values())
CITIES = sorted(PLAN.area_codes.values())


def _parse(number: str, trunk: str | None = "fuzhou", *, name: str = "", privacy: bool = False) -> CallerNumber:
    return parse_caller(number, name, privacy=privacy, trunk_city=CityId(trunk) if trunk else None, plan=PLAN)


def _shown(e164: str, city: str | None) -> CallerNumber:
    return CallerNumber(NumberState.SHOWN, e164, CityId(city) if city else None)


@pytest.mark.parametrize(
    "raw",
    [
        *("0591-87654321", "059187654321", "59187654321", "+8659187654321", "+86059187654321", "008659187654321"),
        *(
            "0086059187654321",
            "8659187654321",
            "86059187654321",
            "０５９１－８７６５４３２１",
            "＋８６５９１８７６５４３２１",
        ),
        *(
            "0591 8765 4321",
            "(0591) 87654321",
            "（0591）87654321",
            "0591.87654321",
            "0591/87654321",
            " 059187654321 ",
        ),
        *("tel:+86-591-87654321", "TEL:059187654321", "tel:87654321;phone-context=+86-591", "059187654321;ext=12"),
        *("059187654321ext8001", "059187654321 ext. 8001", "059187654321#123", "059187654321x5"),
        *("+059187654321", "+59187654321", "0059187654321", "87654321"),
        *("17951059187654321", "1795159187654321", "17951 0591 87654321", "12593059187654321", "11808059187654321"),
        *(
            "17909059187654321",
            "17911059187654321",
            "1795187654321",
            "179510086591 87654321",
            "1790900865918765 4321",
        ),
    ],
)
def test_a_fuzhou_line_in_every_dress(raw: str) -> None:
    assert _parse(raw) == _shown("+8659187654321", "fuzhou")


@pytest.mark.parametrize(
    ("raw", "e164", "city"),
    [
        # Numbers that no subscriber can have: tests use these.
        ("0591-0000-1234", "+8659100001234", "fuzhou"),
        ("0592-000-1234", "+865920001234", "xiamen"),
        ("0593-000-1234", "+865930001234", "ningde"),
        ("0594-000-1234", "+865940001234", "putian"),
        ("0595-0000-1234", "+8659500001234", "quanzhou"),
        ("0596-000-1234", "+865960001234", "zhangzhou"),
        ("0597-000-1234", "+865970001234", "longyan"),
        ("0598-000-1234", "+865980001234", "sanming"),
        ("0599-000-1234", "+865990001234", "nanping"),
        ("15405911234", "+8615405911234", "fuzhou"),
        ("015405921234", "+8615405921234", "xiamen"),
        ("+8615405931234", "+8615405931234", "ningde"),
        ("15405941234", "+8615405941234", "putian"),
        ("15405951234", "+8615405951234", "quanzhou"),
        ("15405961234", "+8615405961234", "zhangzhou"),
        ("1795115405971234", "+8615405971234", "longyan"),
        ("154 0598 1234", "+8615405981234", "sanming"),
        ("8615405991234", "+8615405991234", "nanping"),
        # Other provinces and places: shown, but they say nothing about our cities.
        ("075512345678", "+8675512345678", None),
        ("13800138000", "+8613800138000", None),
        ("4008008888", "+864008008888", None),
        # Abroad.
        ("+12025550123", "+12025550123", None),
        ("0012025550123", "+12025550123", None),
        ("+85223456789", "+85223456789", None),
        ("00886223456789", "+886223456789", None),
    ],
)
def test_places(raw: str, e164: str, city: str | None) -> None:
    for trunk in (None, "fuzhou", "longyan"):
        assert _parse(raw, trunk) == _shown(e164, city)


@pytest.mark.parametrize(
    "prefix",
    "162 165 166 167 171 172 173 175 190 191 192 193 195 196 197 198 199".split(" "),  # noqa: SIM905
)
def test_mobiles_whose_place_the_library_does_not_know(prefix: str) -> None:
    """173 it believes to know: all of Beijing, in version 9.0.43."""
    assert _parse(prefix + "05911234") == _shown(f"+86{prefix}05911234", None)


def test_the_library_still_has_the_faults_that_the_overlay_mends() -> None:
    """When this fails the library has got better: look at the overlay again."""
    places = {
        prefix: geocoder.description_for_number(phonenumbers.parse(prefix + "05911234", "CN"), "en")
        for prefix in ("154", "162", "173", "199")
    }
    assert places == {"154": "", "162": "China", "173": "Beijing", "199": "China"}


def test_mobiles_that_the_library_places_in_fujian() -> None:
    assert _parse("15959512345").city == "quanzhou"
    assert _parse("13950112345").city == "xiamen"
    assert _parse("13705912345").city == "fuzhou"


@pytest.mark.parametrize(
    ("raw", "trunk", "expected"),
    [
        ("+5922654321", "xiamen", _shown("+865922654321", "xiamen")),
        ("005922654321", "xiamen", _shown("+865922654321", "xiamen")),
        ("+5922654321", "fuzhou", _shown("+865922654321", "xiamen")),
        ("+59586543210", "quanzhou", _shown("+8659586543210", "quanzhou")),
        ("+5977654321", "longyan", _shown("+865977654321", "longyan")),
        # Without a city's trunk there is nothing against Guyana, Paraguay, Suriname.
        ("+5922654321", None, _shown("+5922654321", None)),
        ("+59586543210", None, _shown("+59586543210", None)),
        ("+5977654321", None, _shown("+5977654321", None)),
        # Not a Fujian number by its length: Uruguay.
        ("+59829021234", "sanming", _shown("+59829021234", None)),
        # The same trunk fault with a mobile looks like North America, where no exchange begins with 0.
        ("+13800138000", "fuzhou", _shown("+8613800138000", None)),
        ("+13800138000", None, CallerNumber(NumberState.UNUSABLE)),
    ],
)
def test_area_codes_that_are_country_codes_too(raw: str, trunk: str | None, expected: CallerNumber) -> None:
    assert _parse(raw, trunk) == expected


@pytest.mark.parametrize(
    ("raw", "trunk", "expected"),
    [
        ("87654321", "quanzhou", _shown("+8659587654321", "quanzhou")),
        ("8654321", "xiamen", _shown("+865928654321", "xiamen")),
        ("86543210", "fuzhou", _shown("+8659186543210", "fuzhou")),  # 86 is no country code here
        ("8654321", "fuzhou", CallerNumber(NumberState.UNUSABLE)),  # seven digits where lines have eight
        ("87654321", "xiamen", CallerNumber(NumberState.UNUSABLE)),
        ("87654321", None, CallerNumber(NumberState.UNUSABLE)),
    ],
)
def test_numbers_without_area_code_are_of_the_trunks_city(
    raw: str, trunk: str | None, expected: CallerNumber
) -> None:
    assert _parse(raw, trunk) == expected


@pytest.mark.parametrize(
    ("raw", "city"),
    [
        *(("95598", None), ("+8695598", None), ("8695598", None), ("+95598", None)),
        *(
            ("059195598", "fuzhou"),
            ("0592-95598", "xiamen"),
            ("+8659595598", "quanzhou"),
            ("00860599 95598", "nanping"),
        ),
    ],
)
def test_another_centres_hotline_is_nobody_to_call_back(raw: str, city: str | None) -> None:
    assert _parse(raw) == CallerNumber(NumberState.UNUSABLE, city=CityId(city) if city else None)


@pytest.mark.parametrize(
    "raw",
    [
        "",
        " ",
        "　",
        "anonymous",
        "Anonymous",
        "RESTRICTED",
        "unknown",
        "Unavailable",
        "private",
        "withheld",
        "匿名",
        "未知",
    ],
)
def test_withheld_words(raw: str) -> None:
    assert _parse(raw) == CallerNumber(NumberState.WITHHELD)


def test_withheld_by_the_network_or_by_name_though_a_number_is_there() -> None:
    assert _parse("059187654321", privacy=True) == CallerNumber(NumberState.WITHHELD)
    assert _parse("059187654321", name='"Anonymous"') == CallerNumber(NumberState.WITHHELD)
    assert _parse("059187654321", name="unknown").state is NumberState.SHOWN


HOSTILE = [
    *("asterisk", "s", "0", "-", "+", "00", "000", "+86", "086", "110", "119", "120", "10086", "12345", "96777"),
    *("sip:+8659187654321@example.com", "一三九", "0591-87654321转801", "0591-87654321-801", "95598#", "*86", "#"),
    *("059187654321\0", "\0", "0591\r\n87654321", "059187654321\r\nAction: Command", "059187654321\v1"),
    *('"', '059187654321"', "'; DROP TABLE call; --", "059187654321,1", "${EXTEN}", "${SHELL(reboot)}", "$[1+1]"),
    *("059187654321|b", "059187654321&SIP/x", "1380013800", "138001380000", "9" * 18, "1" * 300, "0591" * 75),
    *("📞", "059187654321📞", "¸£ÖÝ", "����", "٠٥٩١٨٧٦٥٤٣٢١", "²³", "\ud800", "１" * 300, "()" * 40, "-" * 80),
]


@pytest.mark.parametrize("raw", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.parametrize("trunk", ["fuzhou", None])
def test_what_is_no_number_is_unusable(raw: str, trunk: str | None) -> None:
    assert _parse(raw, trunk) == CallerNumber(NumberState.UNUSABLE)


def _is_sound(found: CallerNumber) -> bool:
    if found.state is not NumberState.SHOWN:
        return found.e164 == ""
    digits = found.e164[1:]
    return found.e164[0] == "+" and digits.isascii() and digits.isdigit() and 6 <= len(digits) <= 15


_trunks = st.none() | st.sampled_from(CITIES)


@given(st.text(max_size=120), st.text(max_size=120), st.booleans(), _trunks)
def test_never_raises_and_gives_digits_only(raw: str, name: str, privacy: bool, trunk: CityId | None) -> None:
    assert _is_sound(parse_caller(raw, name, privacy=privacy, trunk_city=trunk, plan=PLAN))


@given(st.text(alphabet="0123456789+-() ", max_size=24), _trunks)
def test_never_raises_on_what_looks_like_a_number(raw: str, trunk: CityId | None) -> None:
    assert _is_sound(parse_caller(raw, "", privacy=False, trunk_city=trunk, plan=PLAN))


@given(st.binary(max_size=60), st.sampled_from(["gbk", "latin-1", "utf-8"]), _trunks)
def test_never_raises_on_bytes_of_any_encoding(raw: bytes, encoding: str, trunk: CityId | None) -> None:
    text = raw.decode(encoding, "surrogateescape" if encoding == "utf-8" else "replace")
    assert _is_sound(parse_caller(text, text, privacy=False, trunk_city=trunk, plan=PLAN))


def test_a_topology_without_a_city_leaves_its_numbers_without_place(fujian: Topology) -> None:
    plan = load_number_plan([city for city in fujian.cities.values() if city.id != "xiamen"])
    for raw in ("0592-000-1234", "15405921234"):
        assert parse_caller(raw, "", privacy=False, trunk_city=None, plan=plan).city is None


def test_a_bad_overlay_is_refused_with_all_its_faults(fujian: Topology, tmp_path: Path) -> None:
    overlay = tmp_path / "overlay.toml"
    prefixes = ['"15"', '"154"', '"154"', '"2540591"', "154", '"173"']
    codes = ['"0591"', '"0591"', '"0591"', '"0591"', '"0591"', '"591"']
    overlay.write_text(
        "".join(f"[[prefix]]\ndigits = {p}\narea_code = {c}\n" for p, c in zip(prefixes, codes, strict=True))
    )
    with pytest.raises(ConfigError) as refused:
        load_number_plan(fujian.cities.values(), overlay)
    assert [problem.where for problem in refused.value.problems] == [
        "overlay.toml:2 prefix[0].digits",
        "overlay.toml:8 prefix[2].digits",
        "overlay.toml:11 prefix[3].digits",
        "overlay.toml:14 prefix[4].digits",
        "overlay.toml:18 prefix[5].area_code",
    ]


def test_the_longest_prefix_wins() -> None:
    plan = NumberPlan(area_codes={}, places={}, overlay={"154": CityId("a"), "1540": CityId("b"), "15405": None})
    cities = [
        parse_caller(raw, "", privacy=False, trunk_city=None, plan=plan).city
        for raw in ("15411111111", "15401111111", "15405111111")
    ]
    assert cities == ["a", "b", None]
