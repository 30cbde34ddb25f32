"""The menu of one call: every level answers 0, 9, silence and wrong keys, and nobody ends in nothing."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from ivr_prompts.flow import Ask, Done, How, MenuFlow, Say, Step
from ivr_prompts.menus import load_menus
from tests.unit.ivr_prompts.worlds import UNBUILT
from tieline.errors import LocalProtocolError
from tieline.model import MANDARIN, Business, CityId, DialectId

pytestmark = pytest.mark.unit

MENUS = load_menus(UNBUILT.texts)
FUZHOU = tuple(DialectId(name) for name in ("mandarin", "min_dong", "puxian", "min_nan"))
MIN_DONG = DialectId("min_dong")


def new_flow(**overrides: object) -> MenuFlow:
    settings = {"dialects": FUZHOU, **overrides}
    return MenuFlow(MENUS, UNBUILT, **settings)  # type: ignore[arg-type]


def in_dialect_menu() -> tuple[MenuFlow, Ask]:
    flow = new_flow()
    return flow, asked(flow.start())


def in_main_menu() -> tuple[MenuFlow, Ask]:
    flow = new_flow(remembered=MIN_DONG)
    return flow, asked(flow.start())


def in_main_menu_by_choice() -> tuple[MenuFlow, Ask]:
    flow = new_flow()
    flow.start()
    return flow, asked(flow.on_digits("2"))


def in_short_menu() -> tuple[MenuFlow, Ask]:
    flow = new_flow(remembered=MIN_DONG, short_for=CityId("fuzhou"))
    return flow, asked(flow.start())


LEVELS: list[Callable[[], tuple[MenuFlow, Ask]]] = [
    in_dialect_menu,
    in_main_menu,
    in_main_menu_by_choice,
    in_short_menu,
]


def asked(step: Step) -> Ask:
    assert isinstance(step, Ask)
    return step


def test_first_words_of_a_new_caller() -> None:
    ask = asked(new_flow(announcements=("mandarin/notice",)).start())
    assert ask.files == (
        "mandarin/greeting",
        "mandarin/recording_notice",
        "mandarin/notice",
        "mandarin/dialect_line_mandarin-1", "mandarin/num_1",
        "min_dong/dialect_line_min_dong-1", "min_dong/num_2",
        "puxian/dialect_line_puxian-1", "puxian/num_3",
        "min_nan/dialect_line_min_nan-1", "min_nan/num_4",
        "mandarin/key_repeat-1", "mandarin/num_9",
        "mandarin/key_agent-1", "mandarin/num_0",
    )  # fmt: skip
    assert (ask.valid, ask.max_digits, ask.timeout_ms) == ("012349", 1, 5000)


def test_main_menu_in_the_chosen_dialect() -> None:
    _, ask = in_main_menu_by_choice()
    assert ask.files[:2] == ("min_dong/main_repair-1", "min_dong/num_1")
    assert {file.split("/")[0] for file in ask.files} == {"min_dong"}
    assert ask.valid == "01234589"


def test_a_remembered_dialect_skips_the_dialect_menu() -> None:
    flow, ask = in_main_menu()
    assert flow.menu_id == "main"
    assert ask.files[:3] == ("min_dong/greeting", "min_dong/recording_notice", "min_dong/main_repair-1")


def test_eight_changes_a_remembered_dialect() -> None:
    flow, _ = in_main_menu()
    assert asked(flow.on_digits("8")).files[0] == "mandarin/dialect_line_mandarin-1"
    assert asked(flow.on_digits("4")).files[0] == "min_nan/main_repair-1"
    assert flow.on_digits("1") == Done(DialectId("min_nan"), Business.REPAIR, How.CHOSEN, dialect_known=True)


@pytest.mark.parametrize(
    ("digit", "business"),
    [
        ("1", Business.REPAIR), ("2", Business.BILLING), ("3", Business.OUTAGE), ("4", Business.EXPANSION),
        ("5", Business.COMPLAINT),
    ],
)  # fmt: skip
def test_each_business(digit: str, business: Business) -> None:
    flow, _ = in_main_menu_by_choice()
    assert flow.on_digits(digit) == Done(MIN_DONG, business, How.CHOSEN, dialect_known=True)


@pytest.mark.parametrize("level", LEVELS)
def test_zero_is_an_agent_at_every_level(level: Callable[[], tuple[MenuFlow, Ask]]) -> None:
    flow, _ = level()
    assert flow.on_digits("0") == Done(flow.dialect, Business.OTHER, How.AGENT_KEY, flow.dialect == MIN_DONG)


@pytest.mark.parametrize("level", LEVELS)
def test_nine_repeats_the_menu_without_its_opening(level: Callable[[], tuple[MenuFlow, Ask]]) -> None:
    flow, first = level()
    again = asked(flow.on_digits("9"))
    assert first.files[-len(again.files) :] == again.files
    assert "greeting" not in again.files[0]
    assert asked(flow.on_digits("9")) == again


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize(("pressed", "said"), [("", "no_input"), ("7", "invalid_choice"), ("#", "invalid_choice")])
def test_three_tries_then_an_agent(level: Callable[[], tuple[MenuFlow, Ask]], pressed: str, said: str) -> None:
    flow, _ = level()
    menu = asked(flow.on_digits("9")).files
    for _ in range(2):
        assert asked(flow.on_digits(pressed)).files == (f"{flow.dialect}/{said}", *menu)
    assert flow.on_digits(pressed) == Say((f"{flow.dialect}/tries_over",))
    assert flow.on_said() == Done(flow.dialect, Business.OTHER, How.GAVE_UP, flow.dialect == MIN_DONG)


@pytest.mark.parametrize("level", LEVELS)
def test_silence_and_wrong_keys_count_together(level: Callable[[], tuple[MenuFlow, Ask]]) -> None:
    flow, _ = level()
    flow.on_timeout()
    flow.on_digits("*")
    assert isinstance(flow.on_timeout(), Say)


def test_each_menu_has_its_own_tries() -> None:
    flow, _ = in_dialect_menu()
    flow.on_timeout()
    flow.on_timeout()
    flow.on_digits("1")
    assert isinstance(flow.on_timeout(), Ask)
    assert isinstance(flow.on_timeout(), Ask)
    assert isinstance(flow.on_timeout(), Say)


def test_who_repeats_for_ever_gets_an_agent() -> None:
    flow, _ = in_main_menu()
    steps = [flow.on_digits("9") for _ in range(MENUS.steps_max)]
    assert [type(step) for step in steps] == [Ask] * (MENUS.steps_max - 1) + [Say]
    assert flow.on_said() == Done(MIN_DONG, Business.OTHER, How.GAVE_UP, dialect_known=True)


def test_who_changes_menus_for_ever_gets_an_agent() -> None:
    flow, _ = in_main_menu()
    step: Step = Say(())
    for turn in range(MENUS.steps_max):
        step = flow.on_digits("81"[turn % 2])
    assert isinstance(step, Say)


def test_keys_typed_ahead_are_taken_one_by_one() -> None:
    flow, _ = in_dialect_menu()
    assert flow.on_digits("21") == Done(MIN_DONG, Business.REPAIR, How.CHOSEN, dialect_known=True)


def test_what_follows_a_wrong_key_is_dropped() -> None:
    flow, _ = in_main_menu()
    assert asked(flow.on_digits("71")).files[0] == "min_dong/invalid_choice"


def test_a_digit_beyond_the_offered_dialects_is_wrong() -> None:
    flow, _ = in_dialect_menu()
    assert asked(flow.on_digits("5")).files[0] == "mandarin/invalid_choice"


def test_only_dialects_with_prompts_are_offered_and_mandarin_always() -> None:
    ask = asked(new_flow(dialects=tuple(DialectId(name) for name in ("gan", "hakka"))).start())
    assert [file for file in ask.files if "dialect_line" in file] == [
        "hakka/dialect_line_hakka-1",
        "mandarin/dialect_line_mandarin-1",
    ]


def test_mandarin_is_remembered_only_when_it_was_chosen() -> None:
    flow, _ = in_dialect_menu()
    assert flow.on_digits("0") == Done(MANDARIN, Business.OTHER, How.AGENT_KEY, dialect_known=False)
    flow, _ = in_dialect_menu()
    assert flow.on_digits("10") == Done(MANDARIN, Business.OTHER, How.AGENT_KEY, dialect_known=True)


def test_nothing_to_choose_means_no_dialect_menu() -> None:
    flow = new_flow(dialects=(MANDARIN,))
    flow.start()
    assert flow.menu_id == "main"


def test_a_remembered_dialect_without_prompts_is_not_known() -> None:
    flow = new_flow(remembered=DialectId("gan"))
    flow.start()
    assert (flow.menu_id, flow.dialect) == ("dialect", MANDARIN)


def test_input_that_nobody_waits_for_is_refused() -> None:
    flow = new_flow()
    with pytest.raises(LocalProtocolError):
        flow.on_digits("1")
    flow.start()
    with pytest.raises(LocalProtocolError):
        flow.on_said()
    flow.on_digits("0")
    with pytest.raises(LocalProtocolError):
        flow.on_timeout()


# --- the short menu of a surge ---------------------------------------------------------------------------------


def test_in_a_surge_one_key_leads_to_repair() -> None:
    flow, ask = in_short_menu()
    assert ask.files == (
        "min_dong/greeting", "min_dong/recording_notice",
        "min_dong/main_report-1", "min_dong/city_fuzhou", "min_dong/main_report-2", "min_dong/num_1",
        "min_dong/main_other-1", "min_dong/num_2",
        "min_dong/key_repeat-1", "min_dong/num_9",
        "min_dong/key_agent-1", "min_dong/num_0",
    )  # fmt: skip
    assert flow.on_digits("1") == Done(MIN_DONG, Business.REPAIR, How.CHOSEN, dialect_known=True)


def test_behind_the_short_menu_are_the_others() -> None:
    flow, _ = in_short_menu()
    assert asked(flow.on_digits("2")).files[0] == "min_dong/main_repair-1"
    assert flow.on_digits("2") == Done(MIN_DONG, Business.BILLING, How.CHOSEN, dialect_known=True)


def test_a_new_caller_hears_the_short_menu_in_mandarin_and_can_still_choose_a_dialect() -> None:
    flow = new_flow(short_for=CityId("fuzhou"))
    assert "mandarin/main_report-1" in asked(flow.start()).files
    asked(flow.on_digits("28"))
    assert flow.menu_id == "dialect"
    flow.on_digits("2")
    assert flow.on_digits("1") == Done(MIN_DONG, Business.REPAIR, How.CHOSEN, dialect_known=True)


def test_menus_without_a_short_one_begin_as_always() -> None:
    flow = MenuFlow(replace(MENUS, short=""), UNBUILT, dialects=FUZHOU, short_for=CityId("fuzhou"))
    flow.start()
    assert flow.menu_id == MENUS.first


def in_closed_menu(*, callback: bool = True) -> tuple[MenuFlow, Ask]:
    flow, _ = in_main_menu()
    assert isinstance(flow.on_digits("2"), Done)
    return flow, asked(flow.on_closed(("min_dong/closed",), callback=callback))


def test_a_closed_business_says_so_and_offers_repair_an_agent_and_a_call_back() -> None:
    flow, closed = in_closed_menu()
    assert closed.files[0] == "min_dong/closed"
    assert closed.valid == "0129"
    assert flow.on_digits("1") == Done(MIN_DONG, Business.REPAIR, How.CHOSEN, dialect_known=True)
    assert in_closed_menu()[0].on_digits("0") == Done(MIN_DONG, Business.OTHER, How.AGENT_KEY, dialect_known=True)
    called_back = in_closed_menu()[0].on_digits("2")
    assert called_back == Done(MIN_DONG, Business.BILLING, How.CALLBACK, dialect_known=True)


def test_who_cannot_be_called_back_is_not_offered_it() -> None:
    flow, closed = in_closed_menu(callback=False)
    assert closed.valid == "019"
    assert asked(flow.on_digits("2")).files[0] == "min_dong/invalid_choice"


def test_silence_in_the_closed_menu_is_a_good_bye_and_the_end() -> None:
    flow, _ = in_closed_menu()
    assert flow.on_timeout() == Say(("min_dong/goodbye",))
    end = flow.on_said()
    assert end == Done(MIN_DONG, Business.BILLING, How.CLOSED, dialect_known=True)
    assert [how for how in How if how.ends] == [How.CALLBACK, How.CLOSED]


def test_wrong_keys_in_the_closed_menu_end_it_too() -> None:
    flow, _ = in_closed_menu()
    flow.on_digits("7")
    flow.on_digits("7")
    assert flow.on_digits("7") == Say(("min_dong/goodbye",))


def test_nothing_is_closed_before_something_was_chosen() -> None:
    flow, _ = in_main_menu()
    with pytest.raises(LocalProtocolError):
        flow.on_closed((), callback=True)
