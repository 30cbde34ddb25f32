"""The steps against the plain rule: whatever happens in whatever order, they decide and count as a recount would."""

import asyncio

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from tests.component.trunk_config.site import SITE
from tests.support.redis_server import RedisServer
from tieline.errors import NotReady
from tieline.live import Live
from tieline.model import CityId, NodeId
from trunk_config.admission import (
    LINES,
    MESSAGES,
    QUOTA,
    Verdict,
    admit,
    in_use,
    install,
    release,
    set_safety_numbers,
)
from trunk_config.quota import Allowances, Quota, SiteQuotas, may_admit, refusal_cause
from trunk_config.reconciliation import LINE, MESSAGE, CallerChannel, NodeChannels, reconcile

pytestmark = pytest.mark.component

CITIES = tuple(map(CityId, ("a", "b", "c")))
CHANNELS = tuple(f"n{node}-100.{number}" for node in (1, 2) for number in range(7))
SAFE = "+8659100001234"
RATION = Allowances(messages=2, safety_lines=2)
PATIENCE_S = 30.0
"""Deadlines are other tests' subject: one missed on a busy machine would look like a wrong step."""

quota = st.tuples(st.integers(0, 4), st.integers(0, 5)).map(lambda pair: Quota(pair[0], sum(pair)))
site_quotas = st.builds(
    SiteQuotas,
    st.just(SITE),
    st.integers(0, 12),
    st.dictionaries(st.sampled_from(CITIES), quota),
    st.dictionaries(st.sampled_from(CITIES), st.integers(0, 9)),
)


class Site(RuleBasedStateMachine):
    """A site's Redis beside a model of it in plain Python."""

    url: str

    def __init__(self) -> None:
        super().__init__()
        self._runner = asyncio.Runner()
        self._live = Live(self.url, deadline_s=PATIENCE_S)
        self._lines: dict[str, tuple[CityId, bool]] = {}
        self._messages: set[str] = set()
        self._quotas: SiteQuotas | None = None
        self._version = 0

    def teardown(self) -> None:
        self._runner.run(self._live.close())
        self._runner.close()

    def _used(self) -> dict[CityId, int]:
        held = [city for city, _ in self._lines.values()]
        return {city: held.count(city) for city in CITIES}

    def _expected(self, city: CityId, number: str) -> Verdict:
        assert self._quotas is not None
        rationed = sum(safety for _, safety in self._lines.values())
        if may_admit(self._quotas, self._used(), city):
            return Verdict.ADMIT
        if number == SAFE and len(self._lines) < self._quotas.lines and rationed < RATION.safety_lines:
            return Verdict.SAFETY
        return Verdict.MESSAGE if len(self._messages) < RATION.messages else Verdict.SILENT

    @initialize(quotas=site_quotas)
    def begin(self, quotas: SiteQuotas) -> None:
        self._runner.run(self._live.call("FLUSHALL"))
        self._runner.run(set_safety_numbers(self._live, [SAFE]))
        self.change(quotas)

    @rule(quotas=site_quotas)
    def change(self, quotas: SiteQuotas) -> None:
        self._version += 1
        assert self._runner.run(install(self._live, self._version, "p", quotas))
        self._quotas = quotas

    @rule(quotas=site_quotas)
    def change_too_late(self, quotas: SiteQuotas) -> None:
        if self._quotas is not None:
            assert not self._runner.run(install(self._live, self._version - 1, "old", quotas))

    @rule(channel=st.sampled_from(CHANNELS), city=st.sampled_from(CITIES), number=st.sampled_from(("", SAFE)))
    def ask(self, channel: str, city: CityId, number: str) -> None:
        asking = admit(
            self._live, uniqueid=channel, city=city, number=number, allowances=RATION, now=100, deadline_s=PATIENCE_S
        )
        if self._quotas is None:
            with pytest.raises(NotReady):
                self._runner.run(asking)
            return
        if channel in self._lines:
            expected = Verdict.SAFETY if self._lines[channel][1] else Verdict.ADMIT
        elif channel in self._messages:
            expected = Verdict.MESSAGE
        else:
            expected = self._expected(city, number)
            if expected in (Verdict.ADMIT, Verdict.SAFETY):
                self._lines[channel] = (city, expected is Verdict.SAFETY)
            elif expected is Verdict.MESSAGE:
                self._messages.add(channel)
        answer = self._runner.run(asking)
        assert answer.verdict is expected
        assert (answer.in_use, answer.total) == (self._used()[city], len(self._lines))
        assert answer.version == self._version
        refused = expected in (Verdict.MESSAGE, Verdict.SILENT)
        assert answer.cause == (refusal_cause(self._quotas, self._used(), city) if refused else None)

    @rule(channels=st.lists(st.sampled_from(CHANNELS), max_size=4))
    def end(self, channels: list[str]) -> None:
        ended = self._runner.run(release(self._live, *channels))
        assert ended.lines == len(self._lines.keys() & set(channels))
        assert ended.messages == len(self._messages & set(channels))
        for channel in channels:
            self._lines.pop(channel, None)
            self._messages.discard(channel)

    @rule(
        node=st.sampled_from(("n1", "n2")),
        seen=st.dictionaries(
            st.sampled_from(CHANNELS), st.tuples(st.sampled_from(CITIES), st.sampled_from((LINE, MESSAGE)))
        ),
    )
    def compare(self, node: str, seen: dict[str, tuple[CityId, str]]) -> None:
        own = {channel: what for channel, what in seen.items() if channel.startswith(node)}
        callers = {channel: CallerChannel(city, holds) for channel, (city, holds) in own.items()}
        repairs = self._runner.run(reconcile(self._live, NodeChannels(NodeId(node), callers, at=200)))
        stale = {channel for channel in CHANNELS if channel.startswith(node)} - own.keys()
        assert repairs.released.lines == len(stale & self._lines.keys())
        for channel in stale:
            self._lines.pop(channel, None)
            self._messages.discard(channel)
        for channel, (city, holds) in own.items():
            if channel in self._lines:
                continue
            if holds == LINE:
                self._lines[channel] = (city, False)
                self._messages.discard(channel)
            else:
                self._messages.add(channel)

    @rule()
    def restart_redis(self) -> None:
        self._runner.run(self._live.call("FLUSHALL"))
        self._runner.run(set_safety_numbers(self._live, [SAFE]))
        self._lines, self._messages, self._quotas = {}, set(), None

    @invariant()
    def counts_are_those_of_a_recount(self) -> None:
        used = {city: count for city, count in self._used().items() if count}
        assert {city: count for city, count in self._runner.run(in_use(self._live)).items() if count} == used
        assert self._runner.run(self._keys(LINES)) == self._lines.keys()
        assert self._runner.run(self._keys(MESSAGES)) == self._messages
        quota = self._quotas
        if quota is None:
            assert self._runner.run(self._live.call("EXISTS", QUOTA)) == 0
            return
        kept = self._runner.run(self._live.call("HMGET", QUOTA, "total", "short", "safety"))
        short = sum(max(0, of_city.reserve - used.get(city, 0)) for city, of_city in quota.quotas.items())
        safety = sum(safety for _, safety in self._lines.values())
        assert [int(value) for value in kept] == [len(self._lines), short, safety]

    async def _keys(self, name: str) -> set[str]:
        return {key.decode() for key in await self._live.call("HKEYS", name)}


@pytest.fixture
def machine(server: RedisServer) -> type[Site]:
    Site.url = server.url
    return Site


@pytest.mark.timeout(600)  # a failure is made short first, by thousands of tries
def test_the_steps_decide_as_the_plain_rule_does(machine: type[Site]) -> None:
    checks = [HealthCheck.too_slow]
    limits = settings(max_examples=60, stateful_step_count=40, suppress_health_check=checks)
    run_state_machine_as_test(machine, settings=limits)
