"""Whom one may call back and when; what becomes of an entry."""

from datetime import datetime
from pathlib import Path

import msgspec
import pytest

from routing.callback import Callback, State, Why, ended, too_old, tried_in_vain
from routing.callback_copies import Mending, compared
from routing.callback_rules import load_callback_rules
from tieline.clock import CHINA
from tieline.errors import ConfigError
from tieline.model import Business, CallId, CityId, DialectId, SiteId

pytestmark = pytest.mark.unit

RULES = load_callback_rules()


def at(text: str) -> float:
    return datetime.fromisoformat(f"2026-11-{text}").replace(tzinfo=CHINA).timestamp()


ENTRY = Callback(
    call_id=CallId("fuzhou-1:1"),
    site=SiteId("fuzhou"),
    city=CityId("fuzhou"),
    trunk="tg-fuzhou",
    number="+8615405910001",
    dialect=DialectId("min_dong"),
    business=Business.REPAIR,
    why=Why.HUNG_UP,
    since=at("21 10:00"),
    made_at=at("21 10:05"),
)


@pytest.mark.parametrize("number", ["+8615405910001", "+8615405991234", "+8659100001234", "+865920001234"])
def test_numbers_of_the_test_blocks_may_be_dialled(number: str) -> None:
    assert RULES.may_dial(number)


@pytest.mark.parametrize(
    "number",
    [
        "",
        "110",
        "+86110",
        "95598",
        "+8695598",
        "+869559812345",
        "+8613800138000",
        "+12025550100",
        "+861540591000",
        "+86154059100011",
        "8615405910001",
        "+8615405910001,1",
        "+8615405910001\n",
        "+861540591000１",
    ],
)
def test_nothing_else_may(number: str) -> None:
    assert not RULES.may_dial(number)


@pytest.mark.parametrize(
    ("moment", "permitted"), [("21 07:59:59", False), ("21 08:00", True), ("21 20:59:59", True), ("21 21:00", False)]
)
def test_nobody_is_rung_at_night(moment: str, permitted: bool) -> None:
    assert RULES.permitted(at(moment)) is permitted


@pytest.mark.parametrize(
    ("moment", "begin"),
    [("21 03:00", "21 08:00"), ("21 12:30", "21 12:30"), ("21 21:00", "22 08:00"), ("21 23:59", "22 08:00")],
)
def test_the_next_permitted_moment(moment: str, begin: str) -> None:
    assert RULES.permitted_from(at(moment)) == at(begin)


def test_three_tries_at_different_times_then_it_ends() -> None:
    first = tried_in_vain(ENTRY, rules=RULES, now=at("21 18:00"))
    assert (first.tries, first.next_at, first.state) == (1, at("21 18:30"), State.OPEN)
    second = tried_in_vain(first, rules=RULES, now=at("21 18:31"))
    assert (second.tries, second.next_at, second.state) == (2, at("22 08:00"), State.OPEN)
    third = tried_in_vain(second, rules=RULES, now=at("22 08:00"))
    assert (third.tries, third.state, third.ended_at) == (3, State.NOT_REACHED, at("22 08:00"))
    assert (third.since, third.made_at) == (ENTRY.since, ENTRY.made_at)


def test_an_end_is_the_end() -> None:
    reached = ended(ENTRY, State.REACHED, at("21 11:00"))
    assert ended(reached, State.CANCELLED, at("21 12:00")) == reached


def test_what_is_too_old_ends() -> None:
    assert too_old(ENTRY, RULES, at("23 10:04")) == ENTRY
    assert too_old(ENTRY, RULES, at("23 10:05")).state is State.NOT_REACHED


def test_it_is_kept_as_it_is() -> None:
    assert msgspec.json.decode(msgspec.json.encode(ENTRY), type=Callback) == ENTRY


def test_every_fault_of_the_file_is_told(tmp_path: Path) -> None:
    path = tmp_path / "callback.toml"
    path.write_text(
        'numbers = ["95598", "+86110", "+8610xx", "+861xxxxxxxxxx"]\nfrom = "21:00"\nuntil = "8"\nkeep_h = 0\n'
        "volume = 1\n[[again]]\nafter_min = 1\n"
    )
    with pytest.raises(ConfigError) as caught:
        load_callback_rules(path)
    assert [problem.where.partition(" ")[2] for problem in caught.value.problems] == [
        "numbers[0]",
        "numbers[1]",
        "numbers[2]",
        "until",
        "keep_h",
        "volume",
        "again[0].after_min",
    ]


def test_copies_are_made_to_agree() -> None:
    known = {ENTRY.call_id}
    newer = tried_in_vain(ENTRY, rules=RULES, now=at("21 12:00"))
    again = ended(ENTRY, State.CALLED_AGAIN, at("21 12:00"))
    now = at("21 12:00")
    made = compared([ENTRY], {}, (), RULES, now)
    assert (made.to_sql, made.to_redis, made.out_of_redis) == ([ENTRY], [], [])
    same = compared([ENTRY], {ENTRY.call_id: ENTRY}, known, RULES, now)
    assert same == Mending()
    worked_on = compared([ENTRY], {ENTRY.call_id: newer}, known, RULES, now)
    assert worked_on == Mending(to_redis=[newer])
    ended_in_sql = compared([ENTRY], {}, known, RULES, now)
    assert ended_in_sql == Mending(out_of_redis=[ENTRY])
    called_again = compared([again], {ENTRY.call_id: ENTRY}, known, RULES, now)
    assert called_again == Mending(to_sql=[again], out_of_redis=[again])
    lost = compared([], {ENTRY.call_id: ENTRY}, (), RULES, now)
    assert lost == Mending(to_redis=[ENTRY])
    old = compared([ENTRY], {ENTRY.call_id: ENTRY}, known, RULES, at("23 12:00"))
    assert [entry.state for entry in old.to_sql] == [State.NOT_REACHED]
    assert old.out_of_redis == [ENTRY]
