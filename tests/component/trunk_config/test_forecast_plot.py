"""The forecast as a picture: both forms, every city, with and without Chinese characters."""

import re

import pytest
from matplotlib import font_manager

from tests.unit.trunk_config.network import PROFILES, TOPOLOGY, version
from tieline.model import CityId, SiteId
from trunk_config.forecast import Comparison, compare
from trunk_config.forecast_plot import CHINESE_FONTS, _name, maybe_chinese_font, render_plot

pytestmark = pytest.mark.component

FUZHOU = CityId("fuzhou")
LOADS = {FUZHOU: 12.44, CityId("putian"): 4.83}


def _compared(profile: str | None = None) -> Comparison:
    proposed = PROFILES[SiteId("fuzhou"), profile] if profile else None
    return compare(TOPOLOGY, version(3), proposed, LOADS, factors={FUZHOU: 12.0}, loads_from="measured")


def _words(svg: bytes) -> str:
    """Matplotlib draws text as paths and leaves the words in comments."""
    return " | ".join(re.findall(r"<!-- (.*?) -->", svg.decode()))


def test_png_is_a_png() -> None:
    assert render_plot(_compared(), TOPOLOGY.cities, "png").startswith(b"\x89PNG\r\n")


def test_svg_tells_what_it_shows_and_is_the_same_each_time() -> None:
    svg = render_plot(_compared("typhoon"), TOPOLOGY.cities, "svg")
    words = _words(svg)
    for said in (
        "Forecast for site Fuzhou: 154.1 Erlang offered to 240 lines",
        "load × 12",
        "Putian",
        "149.3 Erl need 169",
        "22 %",
        "&lt; 0.01 %",
        "goal 1 %",
        "reserve, typhoon",
        "normal, version 3",
        "Loads: measured",
    ):
        assert said in words or said.replace("&lt;", "<") in words, said
    assert "Nanping" not in words  # nobody calls from there
    assert svg == render_plot(_compared("typhoon"), TOPOLOGY.cities, "svg")


def test_a_site_without_calls_can_be_drawn() -> None:
    nobody = compare(TOPOLOGY, version(), None, {}, factors={}, loads_from="given")
    assert "Longyan" in _words(render_plot(nobody, TOPOLOGY.cities, "svg"))


def test_chinese_names_only_with_a_font_for_them(monkeypatch: pytest.MonkeyPatch) -> None:
    latin = font_manager.FontEntry(name="DejaVu Sans")
    monkeypatch.setattr(font_manager.fontManager, "ttflist", [latin])
    assert maybe_chinese_font() is None
    here = [latin, *(font_manager.FontEntry(name=name) for name in reversed(CHINESE_FONTS))]
    monkeypatch.setattr(font_manager.fontManager, "ttflist", here)
    assert maybe_chinese_font() == CHINESE_FONTS[0]
    city = TOPOLOGY.cities[FUZHOU]
    assert _name(city, None, chinese=True) == "Fuzhou 福州"
    assert _name(city, 12.0, chinese=False) == "Fuzhou\nload × 12"
