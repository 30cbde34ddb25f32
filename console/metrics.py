"""Prometheus metrics, read at the moment somebody scrapes. The only importer of prometheus_client."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from console.follower import Follower
from console.readiness import Readiness
from console.views import Picture
from trunk_config.decision_times import ByVerdict

Numbers = Callable[[], Mapping[str, float]]
"""Gives the numbers of one part of the process, by name."""

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_NOT_IN_NAME: Final = re.compile(r"[^a-z0-9_]")


class SiteCollector(Collector):
    """Collects the picture, the readiness, and whatever other parts hand in.

    Args:
        follower: Has the picture.
        readiness: Has the parts.
        numbers: By the name of the part; each number becomes `tieline_<number>{part="<name>"}`.
    """

    def __init__(self, follower: Follower, readiness: Readiness, numbers: Mapping[str, Numbers]) -> None:
        self._follower = follower
        self._readiness = readiness
        self._numbers = numbers

    def collect(self) -> Iterator[Metric]:
        """Yield one family for each kind of number."""
        yield from self._picture()
        yield from _lines(self._follower.picture)
        ready = GaugeMetricFamily("tieline_part_ready", "1 while a part is there.", labels=["part"])
        for name, part in self._readiness.parts.items():
            ready.add_metric([name], float(part.ready))
        yield ready
        yield from self._handed_in()

    def _picture(self) -> Iterator[Metric]:
        picture = self._follower.picture
        calls = GaugeMetricFamily(
            "tieline_calls", "Calls in progress by city, state and dialect.", labels=["city", "state", "dialect"]
        )
        for labels, count in Counter((c.city, c.state, c.dialect) for c in picture.calls.values()).items():
            calls.add_metric(list(labels), count)
        yield calls
        agents = GaugeMetricFamily("tieline_agents", "Agents by state.", labels=["state"])
        for state, count in Counter(agent.state for agent in picture.agents.values()).items():
            agents.add_metric([state], count)
        yield agents
        ended = GaugeMetricFamily(
            "tieline_calls_counted", "Calls that arrived or ended, and tickets.", labels=["city", "what"]
        )
        for city, counts in picture.counts.items():
            for what, count in counts.items():
                ended.add_metric([city, what], count)
        yield ended
        for name, text, value in (
            ("tieline_console_watchers", "Open live pages.", self._follower.watchers),
            ("tieline_console_dropped", "Live pages dropped because they were too slow.", self._follower.dropped),
            ("tieline_console_events", "Bus events taken in.", self._follower.events),
        ):
            yield GaugeMetricFamily(name, text, value=float(value))

    def _handed_in(self) -> Iterator[Metric]:
        families: dict[str, GaugeMetricFamily] = {}
        for part, give in self._numbers.items():
            for name, value in give().items():
                full = "tieline_" + _NOT_IN_NAME.sub("_", name.lower())
                family = families.setdefault(full, GaugeMetricFamily(full, f"{name} of a part.", labels=["part"]))
                family.add_metric([part], value)
        yield from families.values()


def _lines(picture: Picture) -> Iterator[Metric]:
    for name, text in (
        ("in_use", "Lines in use by city."),
        ("reserve", "Lines kept for a city while it does not use them."),
        ("cap", "Lines that a city may use at most now."),
    ):
        family = GaugeMetricFamily(f"tieline_lines_{name}", text, labels=["city"])
        for city, lines in picture.lines.items():
            family.add_metric([city], getattr(lines, name))
        yield family
    refused = CounterMetricFamily(
        "tieline_refused", "Refused calls by city and Q.850 cause (34 quota, 42 platform).", labels=["city", "cause"]
    )
    for city, causes in picture.refused.items():
        for cause, count in causes.items():
            refused.add_metric([city, cause], count)
    yield refused
    if picture.quota is not None:
        yield GaugeMetricFamily("tieline_site_lines", "Lines of the site.", value=picture.quota.lines)
        yield GaugeMetricFamily("tieline_quota_in_force", "Version of the quotas.", value=picture.quota.version)


class DecisionCollector(Collector):
    """Tells how long the AGI servers' decisions about lines took.

    Args:
        times: By AGI server and verdict.
    """

    def __init__(self, times: Mapping[int, ByVerdict]) -> None:
        self._times = times

    def collect(self) -> Iterator[Metric]:
        """Yield one histogram."""
        family = HistogramMetricFamily(
            "tieline_admission_seconds",
            "How long decisions about a line took, by AGI server and verdict; `group`: the node decided itself.",
            labels=["server", "verdict"],
        )
        for server, by_verdict in self._times.items():
            for verdict, seconds in by_verdict.items():
                family.add_metric([str(server), verdict], seconds.cumulated(), seconds.total)
        yield family


class TrunkCollector(Collector):
    """Tells how many calls trunk groups were refused while they were not in service.

    Args:
        refused: By group; None while no edge answers.
    """

    def __init__(self, refused: Mapping[str, int] | None) -> None:
        self._refused = refused

    def collect(self) -> Iterator[Metric]:
        """Yield one counter."""
        family = CounterMetricFamily(
            "tieline_trunk_refused",
            "Calls refused because their trunk group is blocked or out of service, as the edges count them.",
            labels=["group"],
        )
        for group, count in (self._refused or {}).items():
            family.add_metric([group], count)
        yield family


def exposition(*collectors: Collector) -> bytes:
    """Render what a scrape gets."""
    registry = CollectorRegistry(auto_describe=False)
    for collector in collectors:
        registry.register(collector)
    return generate_latest(registry)
