"""FastAGI sessions: our server beside a bare epoll loop and panoramisk's, in one run, on the same bytes.

Each server runs in a process of its own on one processor, the load on another. The subjects take turns in short
slices, so what else the machine does falls on all alike; a ratio is the median of the ratios within a turn. The goals
on CPU are judged with 500 sessions at once: there panoramisk's cost repeats within 8 %, at 50 it swings by a third.
"""

import time
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from statistics import median
from typing import Final

import msgspec

from bench._measure import Subject, allow_many_files, pinned, quantile, subject, two_cpus
from bench.agi_load import Generator, Load
from bench.result import BenchResult, Figure, figure, versions_of

SUBJECTS: Final = ("tieline", "bare", "panoramisk")
AT_ONCE: Final[Mapping[int, int]] = {1: 150, 50: 1000, 500: 1500}
"""Sessions a slice, by sessions at once."""
BURST: Final = 1000
BAD_PEERS: Final = 1000
GOOD_AT_ONCE: Final = 10
GOOD_CALLS: Final = 6000
"""Of a slice: longer than a second, in which every bad peer has come back."""
WITHIN_S: Final = 180.0
"""For a slice; far above what it takes: a busy machine must give a figure, not an error."""
JUDGED_AT: Final = 500

BARE_GOAL: Final = 2.5
PANORAMISK_GOAL: Final = 0.5
CONNECT_GOAL_S: Final = 0.9
"""A lost SYN is sent again after one second: whoever waited less lost none."""
BAD_PEERS_GOAL: Final = 2.0
BAD_PER_S_GOAL: Final = 500
"""Of 1,000 bad peers 600 end at once and are back a second later; fewer means that the load was not there."""


class _Slice(msgspec.Struct, frozen=True):
    """One turn of one subject."""

    cpu_us: float
    load: Load


_Measured = dict[tuple[str, int], list[_Slice]]


def run(*, rounds: int) -> BenchResult:
    """Measure everything; about 8 seconds a round and 15 more on two idle processors.

    Args:
        rounds: Turns of every subject at every number of sessions at once.

    Raises:
        RuntimeError: A subject did not start, or lost sessions.
    """
    allow_many_files()
    figures: dict[str, Figure] = {}
    subject_cpu, load_cpu = two_cpus()
    with ExitStack() as stack:
        servers = {
            name: stack.enter_context(subject("bench.agi_subjects", name, cpu=subject_cpu)) for name in SUBJECTS
        }
        stack.enter_context(pinned(load_cpu))
        for server in servers.values():
            _slice(server, at_once=50, sessions=300)  # warm
        measured = _take_turns(servers, rounds)
        figures |= _cpu_figures(measured)
        figures |= _latency_figures(measured)
        figures |= _burst_figures(servers["tieline"])
        figures |= _bad_peer_figures(servers["tieline"], rounds, load_cpu)
    return BenchResult("agi", figures, versions_of(("uvloop", "panoramisk", "msgspec")))


def _slice(server: Subject, *, at_once: int, sessions: int) -> _Slice:
    before = server.cpu_ns()
    load = Generator(int(server.ready), at_once=at_once, within_s=WITHIN_S).run(sessions)
    if load.failed:
        raise RuntimeError(f"{load.failed} of {sessions} sessions failed, {at_once} at once")
    return _Slice((server.cpu_ns() - before) / 1000 / sessions, load)


def _take_turns(servers: Mapping[str, Subject], rounds: int) -> _Measured:
    measured: _Measured = {}
    for _ in range(rounds):
        for at_once, sessions in AT_ONCE.items():
            for name, server in servers.items():
                measured.setdefault((name, at_once), []).append(_slice(server, at_once=at_once, sessions=sessions))
    return measured


def _cpu_figures(measured: _Measured) -> dict[str, Figure]:
    figures: dict[str, Figure] = {}
    for at_once in AT_ONCE:
        cpu = {name: [turn.cpu_us for turn in measured[name, at_once]] for name in SUBJECTS}
        figures |= {f"cpu_{name}_at_{at_once}": figure(median(cpu[name]), "us") for name in SUBJECTS}
        judged = at_once == JUDGED_AT
        figures[f"cpu_of_bare_at_{at_once}"] = figure(
            _ratio(cpu["tieline"], cpu["bare"]), "ratio", goal=BARE_GOAL if judged else None
        )
        figures[f"cpu_of_panoramisk_at_{at_once}"] = figure(
            _ratio(cpu["tieline"], cpu["panoramisk"]), "ratio", goal=PANORAMISK_GOAL if judged else None
        )
    return figures


def _ratio(ours: Iterable[float], theirs: Iterable[float]) -> float:
    """Median of the ratios within a turn."""
    return median(our / their for our, their in zip(ours, theirs, strict=True))


def _latency_figures(measured: _Measured) -> dict[str, Figure]:
    figures: dict[str, Figure] = {}
    for (name, at_once), turns in measured.items():
        for label, q in (("p50", 0.5), ("p99", 0.99)):
            value = median(quantile(turn.load.latencies_s, q) for turn in turns)
            figures[f"{label}_{name}_at_{at_once}"] = figure(value * 1000, "ms")
    return figures


def _burst_figures(server: Subject) -> dict[str, Figure]:
    """Open connections all at once, then let each be a whole session."""
    load = Generator(int(server.ready), at_once=BURST, within_s=WITHIN_S).run(BURST)
    return {
        "burst_failed": figure(load.failed, "count", goal=0),
        "burst_connect_max": figure(max(load.connects_s) * 1000, "ms", goal=CONNECT_GOAL_S * 1000),
    }


def _bad_peer_figures(server: Subject, rounds: int, load_cpu: int | None) -> dict[str, Figure]:
    """Compare good calls among bad peers with good calls alone, before and after."""
    alone, among, opened_per_s = [], [], []
    for _ in range(rounds):
        before = _good_p99_s(server)
        with subject("bench.agi_bad_peers", server.ready, str(BAD_PEERS), cpu=load_cpu) as bad:
            began, opened = time.perf_counter(), int(bad.ask())
            among.append(_good_p99_s(server))
            opened_per_s.append((int(bad.ask()) - opened) / (time.perf_counter() - began))
        alone.append((before + _good_p99_s(server)) / 2)
    return {
        "bad_connections": figure(median(opened_per_s), "per s", goal=BAD_PER_S_GOAL, better="higher"),
        "p99_good_calls_alone": figure(median(alone) * 1000, "ms"),
        "p99_good_calls_among_bad_peers": figure(median(among) * 1000, "ms"),
        "p99_among_bad_peers_of_alone": figure(_ratio(among, alone), "ratio", goal=BAD_PEERS_GOAL),
    }


def _good_p99_s(server: Subject) -> float:
    return quantile(_slice(server, at_once=GOOD_AT_ONCE, sessions=GOOD_CALLS).load.latencies_s, 0.99)
