"""Calls that go on while a test breaks something, and the breaking."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from lab.calls import RunResult
from lab.scripts import HangUp, Pause
from tests.live.house import House
from tieline import bus
from tieline.model import Business, SiteId


class Background:
    """Calls that go on while the test breaks something."""

    def __init__(self, place: Callable[[], RunResult]) -> None:
        self._place = place
        self.result: RunResult | None = None
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        self.result = self._place()

    def end(self) -> RunResult:
        """Wait for their ends."""
        self._thread.join()
        assert self.result is not None
        return self.result


def _waited(lab: House, site: str) -> set[tuple[str, str]]:
    """Give channel and node of whoever has waited at a site since the test began."""
    return {(event.channel, event.node) for event in lab.events(site) if isinstance(event, bus.CallWaiting)}


def answered(lab: House, site: str) -> None:
    """Wait until the callers who have waited at a site talk, as their channels say: the records are made of that."""
    lab.wait_for(site, lambda event: isinstance(event, bus.AgentAnswered))
    for channel, node in _waited(lab, site):
        while "\nTL_AGENT_AT=" not in lab.asterisk(node, f"core show channel {channel}"):
            lab.wait_for_news()


def send_away(lab: House, site: str) -> None:
    """End every caller who has waited at a site since the test began."""
    for channel, node in _waited(lab, site):
        command = bus.HangUpChannel(at=time.time(), channel=channel, cause=16)
        lab.run(lab.lives[SiteId(site)].command(node, command))


def talking(lab: House, city: str, talk_ms: int) -> Background:
    """Begin a call and return when caller and agent talk."""
    site = lab.plan.topology.cities[city].home  # type: ignore[index]
    script = lab.script(city, "mandarin", Business.REPAIR, Pause(talk_ms), HangUp())
    call = Background(lambda: lab.call(city, script))
    while not any(isinstance(event, bus.AgentAnswered) for event in lab.events(site)):
        lab.wait_for_news()
    return call


@contextmanager
def dead(lab: House, *parts: str) -> Iterator[None]:
    """Kill parts with SIGKILL and keep them down for a while; a node is then the edge's again, too."""
    for what in ("kill", "halt"):
        for part in parts:
            lab.drill(what, part)
    try:
        yield
    finally:
        for part in parts:
            lab.drill("start", part)
        for node in set(parts) & {str(node) for node in lab.plan.topology.nodes}:
            while not lab.edge_knows(node):
                lab.wait_for_news()
