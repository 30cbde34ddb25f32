"""What a waiting caller is told: position, expected wait, the offer of a call back. Pure but for loading."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ivr_prompts.announce import Sentence
from ivr_prompts.grammar import MAX_NUMBER
from ivr_prompts.texts import DATA
from tieline.toml_file import TomlFile

_MINUTE_S: Final = 60
_KEYS: Final = tuple("123456789")


@dataclass(frozen=True, slots=True)
class WaitingRules:
    """When and what; see `data/waiting.toml`."""

    first_s: int
    every_s: int
    longest_min: int
    digit: str

    def sentences(self, ahead: int | None, wait_s: float | None, *, callback: bool) -> Iterator[Sentence]:
        """Yield what one caller is told, one sentence after the other.

        Args:
            ahead: Calls before his; None: nobody knows, then the wait is not told either.
            wait_s: How long he will probably still wait, None when nobody can tell.
            callback: He can be called back.
        """
        if ahead is None:
            yield Sentence("all_busy", {})
        else:
            yield Sentence("position", {"count": min(ahead, MAX_NUMBER)}) if ahead else Sentence("position_next", {})
            minutes = None if wait_s is None else max(1, math.ceil(wait_s / _MINUTE_S))
            if minutes is None or minutes > self.longest_min:
                yield Sentence("expected_wait_long", {})
            else:
                yield Sentence("expected_wait", {"minutes": minutes})
        if callback:
            yield Sentence("callback_offer", {"digit": self.digit})


def load_waiting(path: Path = DATA / "waiting.toml") -> WaitingRules:
    """Read the rules.

    Raises:
        ConfigError: With every fault of the file and its line.
    """
    file = TomlFile(path)
    rules = WaitingRules(
        first_s=file.root.integer("first_s", 1, 3600),
        every_s=file.root.integer("every_s", 10, 3600),
        longest_min=file.root.integer("longest_min", 1, 999),
        digit=file.root.choice("digit", _KEYS),
    )
    file.root.finish()
    file.refuse_if_faulty()
    return rules
