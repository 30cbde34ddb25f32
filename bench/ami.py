"""`tieline bench ami`: CPU per AMI event, beside bare splitting and beside panoramisk, in one run.

The stream is a call recorded from a real Asterisk 22.10 (tests/wire/ami_bridge), repeated with fresh channel ids:
once as the event filters of manager.conf let it through, once with all that Asterisk tells. Every subject gets the
same segments and 15 subscribed events; ours frames, types and reduces them to bus events, panoramisk's 15 callbacks
only note that they were called. Subjects take turns within each round; medians over the rounds are told, and a ratio
is the median of the ratios within a round.
"""

import re
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from panoramisk import Manager
from panoramisk.ami_protocol import AMIProtocol

from ami_bridge import events as ami
from ami_bridge.correlator import Correlator
from ami_bridge.dispatch import Dispatcher
from ami_bridge.state import NodeState
from ami_bridge.wire import AmiReader
from bench.result import BenchResult, Figure, figure, versions_of
from tieline import bus

STREAMS: Final = Path(__file__).parents[1] / "tests" / "wire" / "ami_bridge"
GREETING: Final = b"Asterisk Call Manager/11.0.0\r\n"
SEGMENT: Final = 4096
"""Bytes handed over at once; what a busy node's AMI connection gives in one read is of this order."""
EVENTS_PER_ROUND: Final = 3000
SUBSCRIBED: Final = tuple(ami.MODELLED.values())[:15]
MANY: Final = 60
GOAL_OF_PANORAMISK: Final = 0.15
GOAL_GROWTH: Final = 1.1

_UNIQUEID: Final = re.compile(rb"fuzhou-1-(\d+)\.")
Subject = Callable[[Sequence[bytes]], float]
"""Takes the segments of a stream and gives the CPU seconds it needed."""


def run(*, rounds: int = 9) -> BenchResult:
    """Measure everything; about 3 s with 9 rounds."""
    figures: dict[str, Figure] = {}
    theirs = panoramisk([kind.__name__ for kind in SUBSCRIBED])
    subjects = {"split": split, "tieline": tieline(SUBSCRIBED), "panoramisk": theirs}
    for name, recording in (("filtered", "one_call"), ("unfiltered", "one_call_unfiltered")):
        packets = recorded_events(recording)
        segments, count = repeated(packets)
        found = compare(subjects, segments, count, rounds)
        figures[f"{name}_events_per_call"] = figure(sum(b"Uniqueid" in one for one in packets), "count")
        for subject, taken in found.items():
            figures[f"{name}_{subject}"] = figure(statistics.median(taken), "us")
        figures[f"{name}_of_split"] = figure(_ratio(found, "tieline", "split"), "ratio")
        share = _ratio(found, "tieline", "panoramisk")
        figures[f"{name}_of_panoramisk"] = figure(share, "ratio", goal=GOAL_OF_PANORAMISK)
    figures |= _growth(rounds)
    return BenchResult("ami", figures, versions_of(["panoramisk", "msgspec"]))


def _growth(rounds: int) -> dict[str, Figure]:
    """Measure one kind of event while one and while sixty subscribers wait, 59 of them for other events."""
    hangups = [one for one in recorded_events("one_call") if one.startswith(b"Event: Hangup\r\n")]
    others = [kind for kind in ami.MODELLED.values() if kind is not ami.Hangup]
    many: list[type[ami.AmiEvent]] = [ami.Hangup, *(others[number % len(others)] for number in range(MANY - 1))]
    subjects = {
        "one": tieline([ami.Hangup]),
        "many": tieline(many),
        "their_one": panoramisk(["Hangup"]),
        "their_many": panoramisk(["Hangup", *(f"Other{number}" for number in range(MANY - 1))]),
    }
    segments, count = repeated(hangups)
    found = compare(subjects, segments, count, rounds)
    return {
        "one_subscriber": figure(statistics.median(found["one"]), "us"),
        "sixty_subscribers": figure(statistics.median(found["many"]), "us"),
        "growth": figure(_ratio(found, "many", "one"), "ratio", goal=GOAL_GROWTH),
        "panoramisk_growth": figure(_ratio(found, "their_many", "their_one"), "ratio"),
    }


def _ratio(taken: Mapping[str, Sequence[float]], one: str, other: str) -> float:
    """Median of the ratios within a round."""
    return statistics.median(a / b for a, b in zip(taken[one], taken[other], strict=True))


def recorded_events(name: str) -> list[bytes]:
    """Give the events of a recorded call, without answers and listings."""
    packets = (STREAMS / f"{name}.amistream").read_bytes().split(b"\r\n\r\n")[:-1]
    return [one for one in packets if one.startswith(b"Event: ") and b"\r\nActionID: " not in one]


def repeated(packets: Sequence[bytes]) -> tuple[list[bytes], int]:
    """Repeat a call with fresh Uniqueids and cut it into segments; gives them and the number of events."""
    calls = max(1, EVENTS_PER_ROUND // len(packets))
    once = b"".join(packet + b"\r\n\r\n" for packet in packets)
    stream = b"".join(_renumbered(once, number * 100) for number in range(calls))
    return [stream[at : at + SEGMENT] for at in range(0, len(stream), SEGMENT)], calls * len(packets)


def _renumbered(once: bytes, offset: int) -> bytes:
    return _UNIQUEID.sub(lambda found: b"fuzhou-1-%d." % (int(found[1]) + offset), once)


def compare(
    subjects: Mapping[str, Subject], segments: Sequence[bytes], count: int, rounds: int
) -> Mapping[str, Sequence[float]]:
    """Let the subjects take turns; gives the CPU of each in microseconds per event, round by round."""
    taken: dict[str, list[float]] = {name: [] for name in subjects}
    for _ in range(rounds):
        for name, subject in subjects.items():
            taken[name].append(subject(segments) / count * 1e6)
    return taken


def split(segments: Sequence[bytes]) -> float:
    """Find the packets and nothing else: the floor."""
    rest, found = b"", 0
    began = time.thread_time()
    for segment in segments:
        frames = (rest + segment).split(b"\r\n\r\n")
        rest = frames.pop()
        found += len(frames)
    return time.thread_time() - began


def tieline(kinds: Sequence[type[ami.AmiEvent]]) -> Subject:
    """Make our subject: framing, correlation, typing and state, with one subscriber for each of `kinds`."""

    def subject(segments: Sequence[bytes]) -> float:
        reader, correlator, dispatcher = AmiReader(), Correlator[int](), Dispatcher()
        state, told = NodeState("fuzhou-1", ("edge",)), list[bus.Event]()

        def reduce(event: ami.AmiEvent) -> None:
            told.extend(state.apply(event, 0.0))

        for kind in kinds:
            dispatcher.subscribe(kind, reduce)
        reader.receive_data(GREETING)
        began = time.thread_time()
        for segment in segments:
            events, _ = correlator.receive(reader.receive_data(segment))
            dispatcher.dispatch(events)
        return time.thread_time() - began

    return subject


def panoramisk(names: Sequence[str]) -> Subject:
    """Make panoramisk's subject: its own protocol and `Manager` with one pattern for each of `names`."""

    def subject(segments: Sequence[bytes]) -> float:
        manager, protocol, called = Manager(), AMIProtocol(), list[str]()
        protocol.connection_made(None)
        protocol.factory, protocol.encoding = manager, "utf8"
        manager.patterns.clear()
        for name in names:
            manager.register_event(name, lambda _, event: called.append(event.event))
        protocol.data_received(GREETING)
        began = time.thread_time()
        for segment in segments:
            protocol.data_received(segment)
        return time.thread_time() - began

    return subject
