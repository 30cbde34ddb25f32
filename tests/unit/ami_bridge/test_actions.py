import pytest

from ami_bridge import actions
from ami_bridge.actions import Action, Completion
from tieline.errors import LocalProtocolError

pytestmark = pytest.mark.unit

CHANNEL = "PJSIP/edge-00000000"
LISTS = {"CoreShowChannels", "PJSIPShowContacts", "PJSIPShowEndpoints", "ShowDialPlan"}
KINDS = [kind for kind in Action.__subclasses__() if kind.__module__ == actions.__name__]


@pytest.mark.parametrize(
    ("action", "name", "headers"),
    [
        (actions.Login("u", "s"), "Login", [("Username", "u"), ("Secret", "s"), ("Events", "on")]),
        (actions.Ping(), "Ping", []),
        (
            actions.Setvar(CHANNEL, "TL_GO", "agent:a1001:7"),
            "Setvar",
            [("Channel", CHANNEL), ("Variable", "TL_GO"), ("Value", "agent:a1001:7")],
        ),
        (actions.SetGlobal("TL_HB_AGI_0", "1"), "Setvar", [("Variable", "TL_HB_AGI_0"), ("Value", "1")]),
        (actions.Hangup(CHANNEL, 16), "Hangup", [("Channel", CHANNEL), ("Cause", "16")]),
        (
            actions.Redirect(CHANNEL, "hold", "s"),
            "Redirect",
            [("Channel", CHANNEL), ("Context", "hold"), ("Exten", "s"), ("Priority", "1")],
        ),
        (actions.CoreShowChannels(), "CoreShowChannels", []),
        (actions.PJSIPShowContacts(), "PJSIPShowContacts", []),
        (actions.Reload(actions.Reloadable.PJSIP), "Reload", [("Module", "res_pjsip.so")]),
        (actions.MarkLog("TIELINE_APPLY_0af3"), "Getvar", [("Variable", "TIELINE_APPLY_0af3()")]),
        (actions.Filter("name(Hangup)"), "Filter", [("Operation", "Add"), ("Filter", "name(Hangup)")]),
    ],
)
def test_what_an_action_says(action: Action, name: str, headers: list[tuple[str, str]]) -> None:
    assert (action.name, list(action.headers())) == (name, headers)


def test_originate_says_all_and_counts_in_milliseconds() -> None:
    call = actions.Originate(CHANNEL, "callback", "s", 20_000, "id", '"X" <95598>', (("TL_CALL", "id"), ("TL_B", "")))
    assert dict(call.headers()) | {"Variable": ""} == {
        "Channel": CHANNEL, "Context": "callback", "Exten": "s", "Priority": "1", "Timeout": "20000", "Account": "id",
        "CallerID": '"X" <95598>', "Async": "true", "Variable": "",
    }  # fmt: skip
    assert [value for name, value in call.headers() if name == "Variable"] == ["TL_CALL=id", "TL_B="]


def test_only_what_does_no_harm_twice_is_replay_safe() -> None:
    safe = {kind.__name__ for kind in KINDS if kind.replay_safe}
    assert safe == {"Getvar", "SetGlobal", "Hangup", "Reload", *LISTS}


def test_only_lists_end_with_an_event() -> None:
    lists = {kind.__name__ for kind in KINDS if kind.completion is Completion.EVENT_LIST}
    assert lists == LISTS


@pytest.mark.parametrize("channel", ["/.*/", "", "PJSIP", "PJSIP/a b", "all", "PJSIP/x\r\nAction: Ping"])
def test_a_channel_that_is_a_pattern_or_no_channel_is_refused(channel: str) -> None:
    for action in (
        actions.Hangup(channel, 16),
        actions.Redirect(channel, "c", "s"),
        actions.Setvar(channel, "TL_GO", "x"),
        actions.Getvar(channel, "TL_CITY"),
        actions.Originate(channel, "c", "s", 1, "id"),
    ):
        with pytest.raises(LocalProtocolError, match="no channel name"):
            action.headers()


@pytest.mark.parametrize("variable", ["SHELL(id)", "GLOBAL(X)", "", "A=B", "X\n", "1A"])
def test_a_variable_that_could_be_a_function_is_refused(variable: str) -> None:
    for action in (
        actions.Setvar(CHANNEL, variable, "x"),
        actions.SetGlobal(variable, "x"),
        actions.Originate(CHANNEL, "c", "s", 1, "id", variables=((variable, "x"),)),
    ):
        with pytest.raises(LocalProtocolError, match="no variable name"):
            action.headers()


@pytest.mark.parametrize("mark", ["", "SHELL", "TIELINE_APPLY_0af3(x)", "TIELINE_APPLY_\r\n"])
def test_a_mark_that_could_be_a_function_is_refused(mark: str) -> None:
    with pytest.raises(LocalProtocolError):
        actions.MarkLog(mark).headers()


def test_originate_refuses_a_comma_that_asterisk_would_split_at() -> None:
    with pytest.raises(LocalProtocolError, match="comma"):
        actions.Originate(CHANNEL, "c", "s", 1, "id", variables=(("A", "1,B=2"),)).headers()


@pytest.mark.parametrize("cause", [0, 128, -1])
def test_a_cause_outside_q850_is_refused(cause: int) -> None:
    with pytest.raises(LocalProtocolError, match=r"Q\.850"):
        actions.Hangup(CHANNEL, cause).headers()


def test_the_secret_is_not_shown() -> None:
    assert "hush" not in repr(actions.Login("u", "hush"))
