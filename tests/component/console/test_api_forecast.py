"""The forecast over HTTP: from measured and from given loads, and who may ask."""

import pytest

from tests.component.console.conftest import Desk
from tests.unit.crm_adapter.records import record
from tieline.principal import Role

pytestmark = pytest.mark.component

FORECAST = "/api/v1/sites/fuzhou/forecast"


async def ask(desk: Desk, query: str = "", *, token: str = "", path: str = FORECAST) -> tuple[int, dict[str, object]]:
    header = desk.header(token or desk.token())
    answer = await desk.client.get(f"{path}?{query}", headers=header)
    return answer.status, await answer.json()


async def test_from_what_was_measured(desk: Desk) -> None:
    assert (await ask(desk))[0] == 503  # nothing was measured yet
    came = desk.now[0] // 3600 * 3600 - 3600
    await desk.store.deliver(
        record(call_id=f"fuzhou-1:fuzhou-1-1763.{n}", arrived_at=came + n, hangup_at=came + n + 200)
        for n in range(90)
    )
    status, told = await ask(desk)
    assert (status, told["site"], told["proposed"]) == (200, "fuzhou", None)
    city = told["present"]["cities"][0]  # type: ignore[index]
    assert (city["city"], city["load_erlang"], city["lines_needed"]) == ("fuzhou", pytest.approx(5.0), 11)
    assert str(told["loads_from"]).startswith("measured")


async def test_what_if_beside_a_profile(desk: Desk) -> None:
    status, told = await ask(desk, "load=fuzhou=12.44,putian=4.83&what_if=fuzhou=12&profile=typhoon")
    assert (status, told["factors"], told["loads_from"]) == (200, {"fuzhou": 12.0}, "given")
    for name in ("present", "proposed"):
        assert told[name]["cities"][0]["loss"] == pytest.approx(0.218, abs=0.001)  # type: ignore[index]


@pytest.mark.parametrize(
    ("query", "where"),
    [
        ("load=fuzhou=1&profile=calm", "profile"),
        ("load=atlantis=1", "load"),
        ("load=fuzhou=1&what_if=putian=2", "putian"),
        ("load=fuzhou=1&what_if=fuzhou=-2", "what_if fuzhou"),
    ],
)
async def test_what_is_wrong_is_told(desk: Desk, query: str, where: str) -> None:
    status, told = await ask(desk, query)
    assert (status, told["error"]) == (400, "bad_request")
    assert told["problems"][0]["where"] == where  # type: ignore[index]


async def test_everything_that_is_wrong_is_told_at_once(desk: Desk) -> None:
    status, told = await ask(desk, "load=a=1,fuzhou=-1&what_if=b=2&profile=calm")
    assert status == 400
    assert [one["where"] for one in told["problems"]] == ["profile", "what_if", "load", "load fuzhou"]  # type: ignore[attr-defined]


async def test_days_within_bounds(desk: Desk) -> None:
    assert (await ask(desk, "days=0"))[0] == 400


async def test_who_may_ask(desk: Desk) -> None:
    given = "load=fuzhou=1"
    assert (await ask(desk, given, token=desk.token(Role.MONITOR, site="fuzhou")))[0] == 200
    assert (await ask(desk, given, token=desk.token(Role.MONITOR, city="putian")))[0] == 403
    assert (await ask(desk, given, token=desk.token(Role.AGENT)))[0] == 403
    assert (await ask(desk, given, token="x"))[0] == 401
    assert (await ask(desk, given, path="/api/v1/sites/xiamen/forecast"))[0] == 404
