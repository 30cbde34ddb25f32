"""What is told of a changed picture: a delta, of the site or of one city, and of notices and surges."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.delta import Delta, encoded, maybe_delta
from console.views import of_city
from tests.unit.console.pictures import CALL, TALK, after, arrived, gone, ticket, waiting
from tieline import bus

pytestmark = pytest.mark.unit

_calls = st.sampled_from([CALL, CALL[:-1] + "2"])
_times = st.floats(0, 100)
_events: st.SearchStrategy[bus.Event] = st.one_of(
    st.builds(
        arrived, _times, call_id=_calls, city=st.sampled_from(["fuzhou", "putian"]), refused=st.sampled_from([0, 34])
    ),
    st.builds(waiting, _times, _times, call_id=_calls),
    st.builds(gone, _times, call_id=_calls),
    st.builds(bus.AgentRinging, at=_times, call_id=_calls, agent=st.just("a1001")),
    st.builds(bus.AgentAnswered, at=_times, call_id=_calls, agent=st.just("a1001")),
    st.builds(bus.AgentLegGone, at=_times, call_id=_calls, agent=st.just("a1001")),
    st.builds(ticket, st.integers(0, 5), city=st.sampled_from(["fuzhou", "putian"])),
    st.builds(bus.NodeSnapshot, at=_times, node=st.just("fuzhou-1"), channels=st.just(())),
)


@given(st.lists(_events, max_size=25), st.integers(0, 25), st.sampled_from([None, "putian"]))
def test_a_delta_applied_to_the_old_picture_gives_the_new_one(
    events: list[bus.Event], cut: int, city: str | None
) -> None:
    old, new = after(*events[:cut]), after(*events)
    if city is not None:
        old, new = of_city(old, city), of_city(new, city)
    delta = maybe_delta(old, new)
    told = msgspec.json.decode(encoded(delta), type=Delta) if delta else Delta(at=0.0)
    assert _with(old.calls, told.calls) == new.calls
    assert _with(old.agents, told.agents) == new.agents
    assert _with(old.nodes, told.nodes) == new.nodes
    assert _with(old.counts, told.counts) == new.counts
    assert {view.ticket for view in (*told.tickets, *old.tickets)} == {view.ticket for view in new.tickets}


def _with(old: object, changes: object) -> dict[str, object]:
    assert isinstance(old, dict)
    assert isinstance(changes, dict)
    return {name: value for name, value in {**old, **changes}.items() if value is not None}


STORM = bus.NoticeChanged(at=5.0, city="fuzhou", county="gulou", cause="storm", until=900.0, since=4.0)


def test_a_place_has_one_notice_until_it_is_gone() -> None:
    whole = msgspec.structs.replace(STORM, county="", cause="flood")
    later = msgspec.structs.replace(STORM, at=6.0, until=950.0)
    notices = after(STORM, whole, later).notices
    assert {place: (view.cause, view.until) for place, view in notices.items()} == {
        "fuzhou": ("flood", 900.0),
        "fuzhou/gulou": ("storm", 950.0),
    }
    gone_again = bus.NoticeChanged(at=7.0, city="fuzhou", county="gulou")
    assert set(after(STORM, whole, gone_again, gone_again).notices) == {"fuzhou"}


def test_a_city_sees_its_own_notices_and_a_delta_tells_what_changed() -> None:
    before, now = after(STORM), after(STORM, bus.NoticeChanged(at=7.0, city="fuzhou", county="gulou"))
    assert of_city(before, "putian").notices == {}
    delta = maybe_delta(before, now)
    assert delta is not None
    assert delta.notices == {"fuzhou/gulou": None}
    assert maybe_delta(of_city(before, "putian"), of_city(now, "putian")) is None


SURGE = bus.SurgeChanged(at=5.0, city="fuzhou", state="surge", calls=90, usual=9.5, proposal="divert xiamen")


def test_a_surge_is_shown_with_its_proposal_until_it_is_calm() -> None:
    (view,) = after(SURGE, bus.SurgeChanged(at=6.0, city="putian", state="calm", calls=1, usual=4.0)).surges.values()
    assert (view.city, view.state, view.since, view.proposal) == ("fuzhou", "surge", 5.0, "divert xiamen")
    calm = after(SURGE, bus.SurgeChanged(at=9.0, city="fuzhou", state="calm", calls=3, usual=9.5))
    assert calm.surges == {}
    delta = maybe_delta(after(SURGE), calm)
    assert delta is not None
    assert delta.surges == {"fuzhou": None}
    assert of_city(after(SURGE), "putian").surges == {}


def test_nothing_changed_is_no_delta() -> None:
    assert maybe_delta(after(*TALK), after(*TALK)) is None
