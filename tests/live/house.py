"""One lab for all live tests: real Asterisk, Kamailio, Redis, PostgreSQL, SIPp; and what a test asks of it."""

import asyncio
import json
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.client import HTTPConnection
from typing import Any, Final, TypeVar

import msgspec

from crm_adapter.ledger import Balance, EdgeEntry, balance, parse_accounting
from crm_adapter.policy import load_policy
from crm_adapter.record import CallRecord
from crm_adapter.store import Store
from lab.calls import Caller, CallRun, RunResult, place_calls, some_callers
from lab.client import LabClient
from lab.keys import keys_for
from lab.plan import HOME, LabPlan, python_parts
from lab.sandbox import Sandbox
from lab.scripts import CallerScript, HangUp, Pause, Press, Step, Talks
from lab.setup import make_plan, prepare
from lab.supervisor import Request
from routing.keys import SEATS
from routing.seats import Seat
from tests.live import instance
from tests.live.house_files import agents_file, phone_groups, quotas_file, topology_file
from tests.live.special_callback import callback_file
from tests.live.special_hours import hours_file
from tieline import bus, secrets_file
from tieline.database import Database
from tieline.live import EVENTS, Live
from tieline.model import AgentState, Business, CityId, DialectId, SiteId
from tieline.settings import load_settings
from tieline.topology import Address

SETTLE_S: Final = 40.0

T = TypeVar("T")


@dataclass(slots=True)
class House:
    """The running lab.

    Attributes:
        since: Unix seconds at which the present test began; its books begin there.
        marks: Newest bus entry of each site at that time.
    """

    plan: LabPlan
    client: LabClient
    runner: asyncio.Runner
    lives: Mapping[SiteId, Live]
    store: Store
    since: float = 0.0
    marks: dict[SiteId, str] = field(default_factory=dict)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine to its end."""
        return self.runner.run(work)

    # Calls

    def script(
        self, city: str, dialect: str = "mandarin", business: Business = Business.REPAIR, *then: Step
    ) -> Talks:
        """Greeting, keys, and then what is given (by default two seconds of talk, and the caller hangs up)."""
        keys = keys_for(self.plan.topology.cities[CityId(city)], DialectId(dialect), business)
        steps = then or (Pause(4000), HangUp())
        return Talks((Pause(600), Press(keys), *steps), bye_any_time=True)

    def call(
        self, city: str, script: CallerScript, *, count: int = 1, sends_tone: bool = False, **options: Any
    ) -> RunResult:
        """Place calls from a city and wait for their ends.

        Only who listens wants a tone: on a busy machine SIPp's keys come late, and one among packets of sound is
        heard twice.
        """
        callers = options.pop("callers", None) or some_callers(self.plan, CityId(city), count)
        run = CallRun(city=CityId(city), script=script, callers=callers, sends_tone=sends_tone, **options)
        return place_calls(self.client, self.plan, run)

    def caller(self, header: str) -> tuple[Caller, ...]:
        """Make one caller with a From header of the test's own."""
        return (Caller(header),)

    # What happened

    def begin(self) -> None:
        """Set the books of a test to here, and let no caller be remembered from another test."""
        for live in self.lives.values():
            for key in self.run(live.call("KEYS", "tl:dialect:*")):
                self.run(live.call("DEL", key))
        self.since = time.time()
        self.marks = {site: self.run(live.last_id()) for site, live in self.lives.items()}

    def events(self, site: str) -> list[bus.Event]:
        """Give what a site's bus was told since the test began."""
        live, found = self.lives[SiteId(site)], list[bus.Event]()
        after = self.marks[SiteId(site)]
        while entries := self.run(live.read(EVENTS, after, block_ms=1)):
            after = entries[-1][0]
            found += (bus.decode_event(raw) for _, raw in entries)
        return found

    def wait_for(self, site: str, fits: Callable[[bus.Event], bool]) -> None:
        """Wait until a site's bus was told what fits, since the test began (its time limit is the test's)."""
        while not any(fits(event) for event in self.events(site)):
            self.wait_for_news()

    def records(self) -> list[CallRecord]:
        """Give the calls in SQL that ended since the test began."""
        return self.run(self.store.books(self.since, time.time() + 60))[0]

    def ticket_calls(self) -> list[str]:
        """Give the call id of each ticket of those calls."""
        return self.run(self.store.books(self.since, time.time() + 60))[1]

    def edge(self) -> list[EdgeEntry]:
        """Give the edge's accounting since the test began."""
        lines: list[str] = []
        for edge in self.plan.topology.edges:
            for path in sorted((self.plan.state / "conf" / edge.id / "accounting").glob("*.acc")):
                lines += path.read_text().splitlines()
        return [entry for entry in parse_accounting(lines).entries if entry.at >= self.since]

    def books(self) -> Balance:
        """Balance the edge with calls and tickets."""
        records, tickets = self.run(self.store.books(self.since, time.time() + 60))
        return balance(self.edge(), records, tickets, load_policy())

    def one(self) -> CallRecord:
        """Give the only call of the test."""
        [record] = self.records()
        return record

    # Its parts

    def phones_known(self) -> bool:
        """Tell whether the matchers know every phone of the lab: they register while the lab is up already."""
        raw = [seat for live in self.lives.values() for seat in self.run(live.call("HVALS", SEATS))]
        known = sum(msgspec.json.decode(seat, type=Seat).state is not AgentState.OFFLINE for seat in raw)
        return known >= sum(len(group.agents) for groups in self.plan.phones.values() for group in groups)

    def python(self, site: str) -> tuple[str, ...]:
        """Name every Python part of a site."""
        return python_parts(self.plan.topology.sites[SiteId(site)])

    def drill(self, what: str, part: str) -> None:
        """Kill, freeze, thaw, halt or start a part."""
        self.client.ask(Request(do=what, name=part), timeout_s=60)

    def edge_knows(self, node: str) -> bool:
        """Tell whether every edge would send a call to a node now."""
        return all(self._destinations(edge.rpc).get(node, "").startswith("A") for edge in self.plan.topology.edges)

    def probe(self, *, on: bool) -> None:
        """Let every edge look after the nodes by itself, or not: then it learns of a dead one by a call only."""
        for edge in self.plan.topology.edges:
            _ask_edge(edge.rpc, "dispatcher.ping_active", int(on))

    def _destinations(self, rpc: Address) -> dict[str, str]:
        """Ask an edge for the state of each node: `AP` is active and probed."""
        text = _ask_edge(rpc, "dispatcher.list")
        states = dict(re.findall(r'"URI":\s*"sip:([0-9.:]+).*?"FLAGS":\s*"(\w+)"', text, re.DOTALL))
        return {node.id: states.get(str(node.sip), "") for node in self.plan.topology.nodes.values()}

    def asterisk(self, node: str, command: str) -> str:
        """Ask a node on its command line."""
        etc = self.plan.state / "conf" / node / "etc/asterisk/asterisk.conf"
        box = Sandbox(self.plan.root, writable=(self.plan.state,))
        words = box.command(("asterisk", "-C", str(etc), "-rx", command))
        done = subprocess.run(words, capture_output=True, text=True, timeout=20, check=False)
        assert "bwrap" not in done.stderr, done.stderr  # or a box that failed would look like a dead node
        return done.stdout

    def channels(self) -> list[str]:
        """Name every channel of every node that answers."""
        lines: list[str] = []
        for node in self.plan.topology.nodes:
            lines += self.asterisk(node, "core show channels concise").splitlines()
        return [line.split("!", 1)[0] for line in lines if "!" in line]

    def leftovers(self) -> dict[str, int]:
        """Count what a call may leave behind: all 0 when the house is quiet."""
        found = {"channels": len(self.channels())}
        for site, live in self.lives.items():
            for key in ("tl:lines", "tl:pool", "tl:offers", "tl:open"):
                found[f"{site} {key}"] = int(self.run(live.call("HLEN", key)))
        return {name: count for name, count in found.items() if count}

    def settle(self, *, calls: int | None = None, within_s: float = SETTLE_S) -> Balance:
        """Wait until nothing is left over and the books balance.

        Args:
            calls: So many calls must be in the books.
            within_s: A guard against waiting for ever, far above what it should take.
        """
        deadline = time.monotonic() + within_s
        while True:
            left, books = self.leftovers(), self.books()
            counted = calls is None or len(self.records()) == calls
            if not left and books.balanced and counted:
                return books
            if time.monotonic() > deadline:
                raise AssertionError(f"left over: {left}; imbalances: {books.imbalances}; calls: {self.records()}")
            self.wait_for_news()

    def wait_for_news(self, limit_s: float = 0.3) -> None:
        """Wait for the next event on either bus, or a moment."""

        async def news() -> None:
            waits = [asyncio.ensure_future(self._next(live)) for live in self.lives.values()]
            _, late = await asyncio.wait(waits, timeout=limit_s, return_when=asyncio.FIRST_COMPLETED)
            for wait in late:
                wait.cancel()
            await asyncio.gather(*waits, return_exceptions=True)

        self.run(news())

    async def _next(self, live: Live) -> None:
        await live.read(EVENTS, await live.last_id(), block_ms=250)


def _ask_edge(rpc: Address, method: str, *params: int) -> str:
    http = HTTPConnection(rpc.host, rpc.port, timeout=5)
    http.request("POST", "/RPC", json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}))
    answer = http.getresponse()
    text = answer.read().decode()
    http.close()
    assert answer.status == HTTPStatus.OK, text
    return text


@contextmanager
def house() -> Iterator[House]:
    """Bring the lab up for the tests, and down without a trace."""
    folder = HOME / ".tieline" / f"live-tests-{instance.HOUSE}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    agents = agents_file(folder)
    plan = make_plan(
        instance.HOUSE,
        print,
        agents_file=agents,
        topology_file=topology_file(folder),
        quotas_file=quotas_file(folder),
        hours_file=hours_file(folder),
        callback_file=callback_file(folder),
        database="postgresql",
        phones=phone_groups(agents),
    )
    try:
        with running(plan) as built:
            yield built
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def running(plan: LabPlan) -> Iterator[House]:
    """Bring a lab up with nothing of an earlier one, and down again."""
    said: list[str] = []
    client = LabClient(plan.state)
    client.down()
    shutil.rmtree(plan.state, ignore_errors=True)
    try:
        answer = client.up(prepare(plan, said.append), said.append)
        assert answer.ok, (said[-20:], answer)
        with asyncio.Runner() as runner:
            yield from _with_clients(plan, client, runner)
    finally:
        client.down()


def _with_clients(plan: LabPlan, client: LabClient, runner: asyncio.Runner) -> Iterator[House]:
    secrets = secrets_file.load(plan.secrets_file)
    database = Database(load_settings(plan.settings_file, {}).database_url)
    lives = {
        site.id: Live(f"redis://:{secrets.redis_password}@{site.redis}/0", deadline_s=5)
        for site in plan.topology.sites.values()
    }
    try:
        house = House(plan, client, runner, lives, Store(database))
        while not house.phones_known():
            house.wait_for_news()
        yield house
    finally:
        for live in lives.values():
            runner.run(live.close())
        database.close()
