"""What a caller hears, and what of it was recorded: music, and which agents' tones."""

import socket
from array import array
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

from lab.calls import Caller, some_callers
from lab.ear import SPEECH_LEVEL, is_rtcp, maybe_packet
from lab.tones import AGENT_HZ, RATE_HZ, SECOND_HZ, amplitude, decode, level
from tests.live.house import House
from tieline.model import CityId
from tieline.topology import Address

_HEADER: Final = 44
"""Bytes of a WAV file before its samples."""
_WINDOW: Final = RATE_HZ // 10
_AMPLITUDE: Final = 1000.0
_BUFFER: Final = 1 << 18
"""Bytes: some seconds of sound, until somebody listens."""

Sound = Callable[[list[int]], bool]


def first_agent(window: list[int]) -> bool:
    """Tell whether an ordinary agent is heard."""
    return amplitude(window, AGENT_HZ) >= _AMPLITUDE


def second_agent(window: list[int]) -> bool:
    """Tell whether the one agent with a tone of his own is heard."""
    return amplitude(window, SECOND_HZ) >= _AMPLITUDE


def both_agents(window: list[int]) -> bool:
    """Tell whether both are heard at once."""
    return first_agent(window) and second_agent(window)


def music(window: list[int]) -> bool:
    """Tell whether something is heard that is neither."""
    return level(window) > SPEECH_LEVEL and not first_agent(window) and not second_agent(window)


class Ear:
    """Where a caller from a city hears."""

    def __init__(self, lab: House, city: str) -> None:
        self._lab = lab
        source = lab.plan.topology.cities[CityId(city)].trunk_groups[0].source
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
        self._socket.bind((source, 0))
        [caller] = some_callers(lab.plan, CityId(city), 1)
        self.caller: Caller = replace(caller, ear=Address(*self._socket.getsockname()))

    def wait_for(self, sound: Sound, seconds: float = 1.0) -> None:
        """Wait until the caller has heard so much of a sound from now on."""
        list(self._heard())
        heard_s = 0.0
        while heard_s < seconds:
            self._lab.wait_for_news()
            heard_s += sum(map(sound, _windows(list(self._heard())))) * _WINDOW / RATE_HZ

    def _heard(self) -> Iterator[int]:
        """Yield the samples that have come since somebody last listened."""
        while True:
            try:
                raw = self._socket.recv(2048)
            except BlockingIOError:
                return
            packet = None if is_rtcp(raw) else maybe_packet(raw)
            yield from decode(packet.payload) if packet else ()

    def close(self) -> None:
        """Hear no more."""
        self._socket.close()


def closed(lab: House, recording: str) -> Path:
    """Give where a recording lies, once it is whole: its writer outlives the channel, and writes the length last."""
    path = lab.plan.state / "recordings" / recording
    while True:
        head, size = path.read_bytes()[:_HEADER], path.stat().st_size
        if size > _HEADER and int.from_bytes(head[-4:], "little") == size - _HEADER:
            return path
        lab.wait_for_news()


def recorded_s(lab: House, recording: str, sound: Sound) -> float:
    """Give how many seconds of a sound a recording holds."""
    samples = array("h", closed(lab, recording).read_bytes()[_HEADER:])
    return sum(map(sound, _windows(list(samples)))) * _WINDOW / RATE_HZ


def _windows(samples: list[int]) -> Iterator[list[int]]:
    return (samples[at : at + _WINDOW] for at in range(0, len(samples) - _WINDOW + 1, _WINDOW))
