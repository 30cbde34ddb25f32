"""The hours over HTTP: of every business, at any time, for agents too."""

import pytest

from tests.component.console.conftest import Desk
from tieline.principal import Role

pytestmark = pytest.mark.component

PATH = "/api/v1/hours"


async def test_the_hours_of_every_business_at_a_time(desk: Desk) -> None:
    header = desk.header(desk.token(Role.AGENT))
    answer = await desk.client.get(PATH, params={"at": "2026-11-21 03:00"}, headers=header)
    told = await answer.json()
    assert (answer.status, told["at"], told["warnings"]) == (200, 1_795_201_200.0, [])
    assert told["businesses"]["repair"] == {"open": True, "why": "day and night", "next_opening": None}
    closed = {name: one for name, one in told["businesses"].items() if not one["open"]}
    assert closed
    for one in closed.values():
        begin, end = one["next_opening"]
        assert told["at"] < begin < end
    now = await (await desk.client.get(PATH, headers=header)).json()
    assert now["at"] == desk.now[0]


async def test_what_of_the_calendar_is_not_sure_is_told(desk: Desk) -> None:
    header = desk.header(desk.token())
    told = await (await desk.client.get(PATH, params={"at": "2040-06-01 12:00"}, headers=header)).json()
    assert told["warnings"] == ["the holidays of 2040 are missing: weekends alone count"]


async def test_no_time_and_no_token_are_refused(desk: Desk) -> None:
    header = desk.header(desk.token())
    assert (await desk.client.get(PATH, params={"at": "soon"}, headers=header)).status == 400
    assert (await desk.client.get(PATH)).status == 401
