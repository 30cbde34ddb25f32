import pytest

from ami_bridge.filters import (
    CALLER_WRITE_CLASSES,
    EVENTS_OF_ALL,
    EVENTS_OF_ENTRY,
    EVENTS_OF_HOLD,
    NEVER_MADE,
    WRITE_CLASSES,
    event_filters,
)

pytestmark = pytest.mark.unit


def test_the_lines_are_what_manager_conf_wants() -> None:
    lines = event_filters(("edge", "peer"))
    assert lines[0] == "eventfilter(action(include),name(Hangup)) ="
    assert lines[len(EVENTS_OF_ALL) :] == (
        "eventfilter(action(include),name(DTMFEnd),header(Context),method(exact)) = hold",
        "eventfilter(action(include),name(Newchannel),header(Channel),method(starts_with)) = PJSIP/edge-",
        "eventfilter(action(include),name(NewAccountCode),header(Channel),method(starts_with)) = PJSIP/edge-",
        "eventfilter(action(include),name(Newchannel),header(Channel),method(starts_with)) = PJSIP/peer-",
        "eventfilter(action(include),name(NewAccountCode),header(Channel),method(starts_with)) = PJSIP/peer-",
    )
    assert len(set(lines)) == len(lines)


def test_nobody_may_both_originate_and_what_it_takes_for_any_application() -> None:
    assert set(CALLER_WRITE_CLASSES) == {"originate"}
    assert not {"originate", "command"} & set(WRITE_CLASSES)


def test_what_is_wanted_is_never_disabled() -> None:
    assert not {*EVENTS_OF_ALL, *EVENTS_OF_HOLD, *EVENTS_OF_ENTRY} & set(NEVER_MADE)
