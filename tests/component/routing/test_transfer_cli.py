"""`tieline call transfer` over the Redis of each site: where the talk is known, what is refused, who asked."""

import asyncio
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner, Result

from routing import transfer_cli
from routing.keys import OFFERS, POOL, SEATS
from routing.offers import Offer
from routing.seat_facts import PhoneAt
from routing.seats import EMPTY, SeatRules, after
from service.cli import main
from tests.component.console.test_api_call import CALL, TALK, WAITING
from tests.support.redis_server import RedisServer, redis_server
from tests.unit.trunk_config.network import EXAMPLES
from tieline import bus, secrets_file
from tieline.database import Database
from tieline.live import Live
from tieline.model import AgentId, NodeId, SiteId
from tieline.store import fetch_audit
from tieline.topology import Site

pytestmark = pytest.mark.component

Sites = Mapping[str, RedisServer]


@pytest.fixture(scope="module")
def sites() -> Iterator[Sites]:
    """A Redis a site."""
    with redis_server() as fuzhou, redis_server() as xiamen:
        yield {"fuzhou": fuzhou, "xiamen": xiamen}


@pytest.fixture
def home(tmp_path: Path, sites: Sites, monkeypatch: pytest.MonkeyPatch) -> Path:
    def open_live(site: Site, password: str, *, deadline_s: float) -> Live:
        assert password
        assert deadline_s > 0
        return Live(sites[site.id].url)

    monkeypatch.setattr(transfer_cli, "open_live", open_live)
    secrets_file.generate(tmp_path / "secrets.toml")
    (tmp_path / "settings.toml").write_text(
        f'topology = "{EXAMPLES}/fujian.toml"\nagents = "{EXAMPLES}/agents.toml"\nstate = "{tmp_path}"\n'
    )
    for server in sites.values():
        put(server, "FLUSHALL")
    return tmp_path


def put(server: RedisServer, *command: str | bytes) -> None:
    async def one() -> None:
        live = Live(server.url)
        await live.call(*command)
        await live.close()

    asyncio.run(one())


def talks(server: RedisServer, offer: Offer = TALK) -> None:
    put(server, "HSET", OFFERS, CALL, msgspec.json.encode(offer))


def run(home: Path, *words: str) -> Result:
    return CliRunner().invoke(main, ["call", "--settings", str(home / "settings.toml"), "transfer", *words])


def asked(server: RedisServer) -> list[bus.TransferAsked]:
    async def read() -> list[bus.Event]:
        live = Live(server.url)
        found = [bus.decode_event(raw) for _, raw in await live.read("tl:events", "0-0", block_ms=1)]
        await live.close()
        return found

    return [event for event in asyncio.run(read()) if isinstance(event, bus.TransferAsked)]


def test_nobody_is_consulted_where_talks_are_not_recorded(home: Path, sites: Sites) -> None:
    talks(sites["fuzhou"])
    with (home / "settings.toml").open("a") as settings:
        settings.write("recording = false\n")
    told = run(home, CALL, "--step", "consult", "--to", "agent:a1002")
    assert (told.exit_code, "not recorded" in told.output) == (1, True), told.output
    assert asked(sites["fuzhou"]) == []
    assert run(home, CALL, "--to", "business:billing").exit_code == 0


@pytest.mark.parametrize("where", ["fuzhou", "xiamen"])
def test_a_transfer_is_told_where_the_talk_is_known_by_the_user_who_typed_it(
    home: Path, sites: Sites, where: str
) -> None:
    talks(sites[where], replace(TALK, call=replace(WAITING, site=SiteId(where))))
    told = run(home, CALL, "--to", "business:billing:min_nan")
    assert told.exit_code == 0, told.output
    [event] = asked(sites[where])
    assert (event.call_id, event.agent, event.step) == (CALL, "a1001", "blind")
    assert (event.business, event.dialect, event.to_agent) == ("billing", "min_nan", "")
    assert event.by.startswith("os:")
    assert [asked(server) for site, server in sites.items() if site != where] == [[]]
    database = Database(f"sqlite:///{home}/tieline.sqlite")
    with database.transaction(reading=True) as connection:
        [line] = fetch_audit(connection)
    database.close()
    assert (line.action, line.subject) == ("call.transfer", f"call:{CALL}")


@pytest.mark.parametrize("away", ["fuzhou", "xiamen"])
def test_a_site_that_is_away_keeps_no_caller_of_the_other_one(
    home: Path, sites: Sites, away: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = next(site for site in sites if site != away)
    talks(sites[there])

    def open_live(site: Site, password: str, *, deadline_s: float) -> Live:
        assert password
        return Live("redis://127.0.0.1:1/0" if site.id == away else sites[site.id].url, deadline_s=deadline_s)

    monkeypatch.setattr(transfer_cli, "open_live", open_live)
    assert run(home, CALL, "--to", "business:billing").exit_code == 0
    assert [event.call_id for event in asked(sites[there])] == [CALL]
    put(sites[there], "FLUSHALL")
    nobody = run(home, CALL, "--to", "business:billing")
    assert nobody.exit_code != 0
    assert "redis" in nobody.output, "not: no such call"


@contextmanager
def answering(asked_at: RedisServer, told_at: RedisServer, answer: bus.Event) -> Iterator[None]:
    """Tell an answer as soon as a transfer is asked for."""

    async def tell() -> None:
        asked, told = Live(asked_at.url), Live(told_at.url)
        async for _, event in asked.follow(after="0-0"):
            if isinstance(event, bus.TransferAsked):
                break
        await told.tell(answer)
        for live in (asked, told):
            await live.close()

    thread = threading.Thread(target=asyncio.run, args=(tell(),))
    thread.start()
    yield
    thread.join()


def test_why_another_sites_caller_is_not_consulted_about_is_said_too(home: Path, sites: Sites) -> None:
    """Fuzhou, which is asked first, knows the talk since its agent has it; Xiamen decides, and says why not."""
    talk = replace(TALK, call=replace(WAITING, site=SiteId("xiamen")))
    for server in sites.values():
        talks(server, talk)
    refused = bus.ConsultRefused(at=1.0, call_id=CALL, agent="a1001", to_agent="a2001", why="not_ready")
    with answering(sites["fuzhou"], sites["xiamen"], refused):
        told = run(home, CALL, "--step", "consult", "--to", "agent:a2001")
    assert (told.exit_code, "a2001 is not ready" in told.output) == (1, True), told.output


def test_a_consultation_and_its_end(home: Path, sites: Sites) -> None:
    talks(sites["fuzhou"])
    refused = run(home, CALL, "--step", "consult", "--to", "agent:a1007")
    assert refused.exit_code == 1
    assert "a1007 is offline" in refused.output
    seat = after(EMPTY, 1000.0, SeatRules(), PhoneAt(NodeId("fuzhou-1"), reachable=True, at=1000.0))
    put(sites["fuzhou"], "HSET", SEATS, "a1007", msgspec.json.encode(seat))
    with answering(sites["fuzhou"], sites["fuzhou"], bus.AgentRinging(at=1.0, call_id=CALL, agent="a1007")):
        assert run(home, CALL, "--step", "consult", "--to", "agent:a1007").exit_code == 0
    talks(sites["fuzhou"], replace(TALK, second=AgentId("a1007"), second_fence=8))
    for step in ("join", "complete", "back"):
        assert run(home, CALL, "--step", step).exit_code == 0
    steps = [(event.step, event.to_agent) for event in asked(sites["fuzhou"])]
    assert steps == [("consult", "a1007"), ("join", ""), ("complete", ""), ("back", "")]


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("no call id!", "--to", "business:billing"), "no call id"),
        ((CALL,), "is not agent:<agent> or business:<business>[:<dialect>]"),
        ((CALL, "--to", "somebody"), "is not agent:<agent> or business:<business>[:<dialect>]"),
        ((CALL, "--to", "business:gardening"), "gardening"),
        ((CALL, "--to", "business:billing:klingon"), "nobody speaks 'klingon'"),
        ((CALL, "--to", "agent:a9999"), "no agent 'a9999'"),
        ((CALL, "--to", "agent:a1001"), "talks with this caller already"),
        ((CALL, "--step", "dance"), "dance"),
        ((CALL, "--step", "join"), "consults nobody"),
        ((CALL, "--step", "consult", "--to", "business:billing"), "consulted is one agent"),
    ],
)
def test_what_makes_no_sense_is_refused_and_told_to_nobody(
    home: Path, sites: Sites, words: tuple[str, ...], problem: str
) -> None:
    talks(sites["fuzhou"])
    refused = run(home, *words)
    assert refused.exit_code != 0
    assert problem in refused.output
    assert asked(sites["fuzhou"]) == []


def test_a_call_that_does_not_talk_is_refused(home: Path, sites: Sites) -> None:
    unknown = run(home, CALL, "--to", "business:billing")
    assert (unknown.exit_code, "no call" in unknown.output) == (1, True)
    put(sites["xiamen"], "HSET", POOL, CALL, msgspec.json.encode(WAITING))
    waits = run(home, CALL, "--to", "business:billing")
    assert (waits.exit_code, "waits for an agent" in waits.output) == (1, True)
