"""What waiting callers hear, and calling them back: the failing branches first."""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

import msgspec
import pytest

from agi.commands import SEPARATOR, Command
from agi.events import Reply
from agi.request import Request
from agi.scripts import callback, hangup, menu, waiting
from agi.scripts.parts import Parts
from agi.session import Session
from routing.callback import State, Why, ended
from routing.callback_live import put, read_all
from routing.waits import WAITS, Wait
from tests.component.agi.conftest import NOW
from tieline import bus, variables
from tieline.clock import CHINA
from tieline.live import EVENTS, Live
from tieline.variables import BETWEEN

pytestmark = pytest.mark.component

CALL = "fuzhou-1:7"
NUMBER = "+8615405910001"
STOPPED = 1000
NIGHT = datetime(2026, 11, 21, 3, 0, tzinfo=CHINA).timestamp()


class Phone:
    """The channel of a caller who presses keys while something is played.

    Args:
        keys: One for each thing that is played, empty for none; afterwards none.
        mailbox: What is in it whenever somebody looks.
        beat: The matcher's last one.
        facts: What the hang-up script gets, in place of the arguments of the others.
    """

    def __init__(
        self,
        *keys: str | int,
        mailbox: str = "",
        beat: float = NOW,
        facts: Mapping[str, str] | None = None,
        **arguments: str,
    ) -> None:
        self.heard: list[str] = []
        self.variables: dict[str, str] = {}
        self._keys = list(keys)
        self._mailbox, self._beat = mailbox, beat
        known = {"TL_CALL": CALL, "TL_CITY": "fuzhou", "TL_TRUNK": "tg-fuzhou", "TL_NUMBER": NUMBER}
        known |= facts or arguments
        names = variables.SCRIPT_ARGUMENTS if facts is None else variables.FACTS
        headers = {"agi_uniqueid": "fuzhou-1-1795250000.7", "agi_channel": "PJSIP/edge-1-7"}
        headers["agi_arg_1"] = BETWEEN.join(known.get(name, "") for name in names)
        self.session = Session(Request(headers), self._send, dead_channel=facts is not None)

    def _send(self, command: Command, _: float) -> None:
        asyncio.get_running_loop().call_soon(self.session.receive_reply, self._answer(command.decode()))

    def _answer(self, command: str) -> Reply:
        if command.startswith("GET FULL VARIABLE"):
            return Reply(200, "1", SEPARATOR.join((self._mailbox, f"{self._beat:.0f}")))
        if found := re.match(r'EXEC (?:Background|Playback) "([^,]*)', command):
            self.heard += [file.rsplit("/", 1)[1] for file in found[1].split("&")]
            key = self._keys.pop(0) if self._keys else ""
            return Reply(200, str(key if isinstance(key, int) else ord(key) if key else 0))
        if found := re.fullmatch(r'EXEC MSet "(.*)"\n', command):
            self.variables |= dict(pair.split("=", 1) for pair in found[1].split(","))
        return Reply(200, "0")


async def expect(parts: Parts, ahead: int, wait_s: float | None) -> None:
    await parts.live.call("HSET", WAITS, CALL, msgspec.json.encode(Wait(ahead, wait_s, NOW - 1)))


def away(parts: Parts) -> Parts:
    """Give parts whose Redis is away."""
    return replace(parts, live=Live("redis://127.0.0.1:1/0", deadline_s=0.2))


async def test_without_redis_only_what_is_known_is_told(parts: Parts) -> None:
    phone = Phone(TL_NUMBER="")
    assert await waiting.run(away(parts), phone.session) == {"TL_ROUTE": "hold"}
    assert phone.heard == ["all_busy"]


async def test_position_wait_and_offer_are_told_in_the_callers_dialect(parts: Parts) -> None:
    await expect(parts, 3, 130.0)
    phone = Phone(TL_DIALECT="min_dong")
    assert await waiting.run(parts, phone.session) == {"TL_ROUTE": "hold"}
    told = ["position-1", "num_3", "position-2", "expected_wait-1", "num_3", "expected_wait-2"]
    assert phone.heard == [*told, "callback_offer-1", "num_1", "callback_offer-2"]


@pytest.mark.parametrize("number", ["", "+8613800138000", "+12025550100"])
async def test_who_cannot_be_called_back_is_not_offered_it(parts: Parts, number: str) -> None:
    await expect(parts, 0, 10.0)
    phone = Phone("", "", "1", TL_NUMBER=number)
    assert await waiting.run(parts, phone.session) == {"TL_ROUTE": "hold"}
    assert phone.heard == ["position_next", "expected_wait-1", "num_1", "expected_wait-2"]


async def test_an_offer_or_a_silent_matcher_ends_the_telling(parts: Parts) -> None:
    await expect(parts, 0, 10.0)
    for phone in (Phone(STOPPED, mailbox="agent:a1001:7:0"), Phone(beat=NOW - 9)):
        assert await waiting.run(parts, phone.session) == {"TL_ROUTE": "hold"}
        assert phone.heard == ["position_next"]


async def test_the_key_asks_for_a_call_back_at_any_sentence_and_other_keys_do_not(parts: Parts) -> None:
    await expect(parts, 0, 10.0)
    assert await waiting.run(parts, Phone("1").session) == {"TL_ROUTE": "callback"}
    assert await waiting.run(parts, Phone("5", "", "1").session) == {"TL_ROUTE": "callback"}


async def test_who_cannot_be_registered_goes_on_waiting(parts: Parts) -> None:
    for parts_now, phone in ((away(parts), Phone()), (parts, Phone(TL_NUMBER=""))):
        assert await callback.run(parts_now, phone.session) == {"TL_ROUTE": "hold"}
        assert phone.heard == []
    assert await read_all(parts.live) == []


async def test_who_has_an_entry_already_is_told_so_unless_it_has_ended(parts: Parts) -> None:
    await callback.run(parts, Phone().session)
    assert await callback.run(parts, Phone().session) == {"TL_ROUTE": "end"}
    [entry] = await read_all(parts.live)
    await put(parts.live, ended(entry, State.CALLED_AGAIN, 1.0))  # SQL is away: it cannot be taken out yet
    assert await callback.run(parts, Phone().session) == {"TL_ROUTE": "hold"}


async def test_an_entry_keeps_call_id_and_place(parts: Parts) -> None:
    phone = Phone(TL_SINCE=f"{NOW - 90:.3f}", TL_BUSINESS="billing", TL_DIALECT="min_dong")
    assert await callback.run(parts, phone.session) == {"TL_ROUTE": "end"}
    assert phone.heard == ["callback_accepted"]
    [entry] = await read_all(parts.live)
    assert (entry.call_id, entry.since, entry.made_at, entry.why) == (CALL, NOW - 90, NOW, Why.KEY)
    assert (entry.business, entry.dialect, entry.number) == ("billing", "min_dong", NUMBER)
    told = [bus.decode_event(raw) for _, raw in await parts.live.read(EVENTS, "0-0", block_ms=10)]
    assert told == [bus.CallbackWanted(at=NOW, call_id=CALL, city="fuzhou", why="key")]


def gave_up(**changes: str) -> Phone:
    waited = {"TL_ARRIVED": f"{NOW - 99:.3f}", "TL_SINCE": f"{NOW - 60:.3f}", "TL_DIALECT": "min_dong"}
    facts = {"HANGUPCAUSE": "16", "TL_NUMSTATE": "shown", "TL_BUSINESS": "repair", **waited, **changes}
    return Phone(facts=facts)


async def test_who_gives_up_waiting_for_repair_is_to_be_called_back(parts: Parts) -> None:
    await hangup.run(parts, gave_up().session)
    [entry] = await read_all(parts.live)
    assert (entry.call_id, entry.since, entry.why, entry.business) == (CALL, NOW - 60, Why.HUNG_UP, "repair")


@pytest.mark.parametrize(
    "changes",
    [{"TL_BUSINESS": "billing"}, {"TL_AGENT_AT": f"{NOW - 9:.3f}"}, {"TL_SINCE": ""}, {"TL_NUMSTATE": "withheld"}],
)
async def test_others_who_hang_up_are_not(parts: Parts, changes: dict[str, str]) -> None:
    await hangup.run(parts, gave_up(**changes).session)
    assert await read_all(parts.live) == []


async def test_without_redis_the_record_is_written_all_the_same(parts: Parts) -> None:
    assert await hangup.run(away(parts), gave_up().session) == {}


async def test_at_night_a_closed_business_leads_to_a_call_back_or_to_the_end(parts: Parts) -> None:
    at_night = replace(parts, clock=lambda: NIGHT)
    keys = ("1", "2", "2")  # Mandarin, billing, and then a call back
    phone = Phone(*keys)
    done = await menu.run(at_night, phone.session)
    assert (done["TL_ROUTE"], done["TL_BUSINESS"]) == ("end", "billing")
    assert phone.heard[-1] == "callback_accepted"
    assert "day_0" in phone.heard
    [entry] = await read_all(parts.live)
    assert (entry.why, entry.since) == (Why.CLOSED, NIGHT)
    silent = Phone(*keys[:2], TL_NUMBER="+8615405910002")  # whose dialect is not remembered
    assert (await menu.run(at_night, silent.session))["TL_ROUTE"] == "end"
    assert silent.heard[-1] == "goodbye"
    lost = Phone(*keys)
    assert (await menu.run(away(at_night), lost.session))["TL_ROUTE"] == "end"
    assert lost.heard[-1] == "refuse_platform"


async def test_at_night_repair_goes_on_to_the_pool(parts: Parts) -> None:
    at_night = replace(parts, clock=lambda: NIGHT)
    phone = Phone("1", "2", "1")
    assert (await menu.run(at_night, phone.session))["TL_ROUTE"] == "hold"
    assert phone.variables["TL_BUSINESS"] == "repair"
