"""Numbers and clock times against a written grammar of Chinese numerals, all of them."""

from datetime import time

import pytest

from ivr_prompts.grammar import MAX_NUMBER, load_grammars
from ivr_prompts.texts import DIALECTS, load_texts
from tieline.model import MANDARIN

pytestmark = pytest.mark.unit

TEXTS = load_texts()
GRAMMARS = load_grammars(TEXTS)
DIGITS = "零一二三四五六七八九"


def words(fragments: tuple[str, ...]) -> str:
    return "".join(str(part) for name in fragments for part in TEXTS.prompts[name].parts)


def below_hundred(number: int, *, inner: bool) -> str:
    tens, units = divmod(number, 10)
    if tens == 0:
        return DIGITS[units]
    head = "十" if tens == 1 and not inner else DIGITS[tens] + "十"
    return head + (DIGITS[units] if units else "")


def below_thousand(number: int) -> str:
    hundreds, rest = divmod(number, 100)
    if rest == 0:
        return DIGITS[hundreds] + "百"
    gap = "零" if rest < 10 else ""
    return DIGITS[hundreds] + "百" + gap + below_hundred(rest, inner=True)


def numeral(number: int) -> str:
    """Write a number as it is spoken in Mandarin, by the size of what is left (the code goes place by place)."""
    if number < 100:
        return below_hundred(number, inner=False)
    if number < 1000:
        return below_thousand(number)
    thousands, rest = divmod(number, 1000)
    head = ("两" if thousands == 2 else DIGITS[thousands]) + "千"
    if rest == 0:
        return head
    return head + ("零" + below_hundred(rest, inner=True) if rest < 100 else below_thousand(rest))


@pytest.mark.parametrize(
    ("number", "spoken"),
    [
        (0, "零"), (2, "二"), (10, "十"), (12, "十二"), (20, "二十"), (22, "二十二"), (100, "一百"),
        (105, "一百零五"),
        (110, "一百一十"), (112, "一百一十二"), (200, "二百"), (1000, "一千"), (1001, "一千零一"),
        (1010, "一千零一十"),
        (2000, "两千"), (2222, "两千二百二十二"), (9009, "九千零九"), (9999, "九千九百九十九"),
    ],
)  # fmt: skip
def test_the_written_grammar_itself(number: int, spoken: str) -> None:
    assert numeral(number) == spoken


def test_every_number() -> None:
    rule = GRAMMARS[MANDARIN].number
    wrong = [n for n in range(MAX_NUMBER + 1) if words(rule.fragments(n, counted=False)) != numeral(n)]
    assert wrong == []


def test_two_before_a_measure_word() -> None:
    rule = GRAMMARS[MANDARIN].number
    counted = {number: words(rule.fragments(number, counted=True)) for number in (1, 2, 3, 12, 22, 102)}
    assert counted == {1: "一", 2: "两", 3: "三", 12: "十二", 22: "二十二", 102: "一百零二"}


@pytest.mark.parametrize("number", [-1, 10_000])
def test_numbers_out_of_range_are_refused(number: int) -> None:
    with pytest.raises(ValueError, match="is not within 0 to 9999"):
        GRAMMARS[MANDARIN].number.fragments(number, counted=False)


def spoken_clock(at: time) -> str:
    hours = ["零", "一", "两", *DIGITS[3:], "十", "十一", "十二"]
    periods = [(18, "晚上"), (13, "下午"), (12, "中午"), (8, "上午"), (5, "早上"), (0, "凌晨")]
    period = next(name for first, name in periods if at.hour >= first)
    dial = at.hour - 12 if at.hour > 12 else at.hour
    if at.minute == 0:
        tail = ""
    elif at.minute == 30:
        tail = "半"
    else:
        tail = ("零" if at.minute < 10 else "") + numeral(at.minute) + "分"
    return f"{period}{hours[dial]}点{tail}"


@pytest.mark.parametrize(
    ("at", "spoken"),
    [
        (time(0, 0), "凌晨零点"), (time(2, 2), "凌晨两点零二分"), (time(7, 30), "早上七点半"),
        (time(12, 0), "中午十二点"),
        (time(15, 15), "下午三点十五分"), (time(22, 0), "晚上十点"), (time(23, 59), "晚上十一点五十九分"),
    ],
)  # fmt: skip
def test_the_written_clock_itself(at: time, spoken: str) -> None:
    assert spoken_clock(at) == spoken


def test_every_minute_of_the_day() -> None:
    grammar = GRAMMARS[MANDARIN]
    day = [time(hour, minute) for hour in range(24) for minute in range(60)]
    assert [at for at in day if words(grammar.clock.fragments(at, grammar.number)) != spoken_clock(at)] == []


def test_every_fragment_of_every_dialect_has_a_text() -> None:
    missing = {name for dialect in DIALECTS for name in GRAMMARS[dialect].names()} - TEXTS.prompts.keys()
    assert missing == set()
