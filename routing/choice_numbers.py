"""Reading what the choice goes by besides the ladders: lanes and numbers, each with its reason."""

from collections.abc import Mapping
from functools import partial
from typing import Final

from routing.ladders import LaneTerms, Numbers
from tieline.model import Lane
from tieline.toml_file import Table

_LONGEST_S: Final = 3600.0
_DEAREST: Final = 1000.0
_HEAVIEST: Final = 100.0
_WHY_LENGTH: Final = 400
CAME_LATER: Final[Mapping[str, float]] = {
    "own_dialect_weight": 1.0,
    "queue_weight": 0.0,
    "most_weight": _HEAVIEST,
    "crowded_share": 1000.0,
    "crowded_dialect_s": 0.0,
    "soon_s": 0.0,
    "give_way_from_s": _LONGEST_S,
    "give_way_look_s": _LONGEST_S,
    "talk_spread": 0.0,
    "fluent_price": 0.0,
}
"""Numbers that a version kept in SQL may lack, because it was put before there were any, and the value that leaves
everything as it was with that version. Every new number gets its line; what is put from now on has to name it."""


def read_lanes(root: Table) -> Mapping[Lane, LaneTerms]:
    """Read the lanes; one that does not go before the next lower one is a fault."""
    lanes: dict[Lane, LaneTerms] = {}
    above = float("inf")
    for lane in Lane:
        table = root.table(lane)
        table.text("why", max_length=_WHY_LENGTH)
        head_start_s = table.number("head_start_s", -_LONGEST_S, 10 * _LONGEST_S)
        if head_start_s >= above and not table.wrong("head_start_s"):
            table.fault(
                "head_start_s", f"{head_start_s:g} is not below that of the lane above, {above:g}", "lower it"
            )
        above = head_start_s
        lanes[lane] = LaneTerms(head_start_s, table.flag("at_once", default=False))
        table.finish()
    root.finish()
    return lanes


def read_numbers(root: Table, *, kept: bool = False) -> Numbers:
    """Read the numbers; of a version that was kept those that came later may be missing."""
    number = partial(_number, root, kept)
    numbers = Numbers(
        own_dialect_s=number("own_dialect_s", 0, _LONGEST_S),
        own_dialect_weight=number("own_dialect_weight", 1, _HEAVIEST),
        queue_weight=number("queue_weight", 0, _DEAREST),
        most_weight=number("most_weight", 1, _HEAVIEST),
        crowded_share=number("crowded_share", 0, 1000),
        crowded_dialect_s=number("crowded_dialect_s", 0, _LONGEST_S),
        no_dialect_s=number("no_dialect_s", 0, _LONGEST_S),
        crossing_s=number("crossing_s", 0, _LONGEST_S),
        reserve=number("reserve", 0, 10),
        reserve_power=number("reserve_power", 0, 1),
        soon_s=number("soon_s", 0, _LONGEST_S),
        give_way_from_s=number("give_way_from_s", 0, _LONGEST_S),
        give_way_s=number("give_way_s", 0, _LONGEST_S),
        give_way_look_s=number("give_way_look_s", 1, _LONGEST_S),
        talk_s=number("talk_s", 1, _LONGEST_S),
        talk_spread=number("talk_spread", 0, 3),
        load_s=number("load_s", 60, 24 * _LONGEST_S),
        look_again_s=number("look_again_s", 1, _LONGEST_S),
        fluent_price=number("fluent_price", 0, _DEAREST),
        basic_price=number("basic_price", 0, _DEAREST),
        mandarin_price=number("mandarin_price", 0, _DEAREST),
        business_price=number("business_price", 0, _DEAREST),
        crossing_price=number("crossing_price", 0, _DEAREST),
        scarcity_price=number("scarcity_price", 0, _DEAREST),
        least_load=number("least_load", 0, 100),
        place_among=int(number("place_among", 1, 100)),
    )
    root.finish()
    return numbers


def _number(root: Table, kept: bool, name: str, lowest: float, highest: float) -> float:
    if kept and name in CAME_LATER and not root.has(name):
        return CAME_LATER[name]
    table = root.table(name)
    table.text("why", max_length=_WHY_LENGTH)
    value = table.number("value", lowest, highest)
    table.finish()
    return value
