"""Shares as an admin types them: `CITY --reserve N --cap N`, for one city after the other. Pure."""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from tieline.errors import Problem
from tieline.model import CityId
from trunk_config.change import Share

_NUMBER: Final = re.compile(r"[+-]?[0-9]{1,30}", re.ASCII)
_FORM: Final = "write CITY --reserve N --cap N, for one city after the other"


def read_shares(words: Sequence[str]) -> tuple[dict[CityId, Share], list[Problem]]:
    """Read shares.

    Args:
        words: As the shell split them; `--cap 60` and `--cap=60` are the same.

    Returns:
        The shares that could be read, and everything that could not. Whether the numbers make sense is for
        `trunk_config.judge` to say.
    """
    shares: dict[CityId, Share] = {}
    problems: list[Problem] = []
    city: CityId | None = None
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if not word.startswith("-"):
            city = CityId(word)
            if city in shares:
                problems.append(Problem(f"city {city}", "named twice", "name it once, with reserve and cap"))
            shares.setdefault(city, Share())
            continue
        option, joined, value = word.partition("=")
        if not joined:
            value = rest.pop(0) if rest else ""
        problem = _problem(city, option, value)
        if problem is None and city is not None:
            shares[city] = replace(shares[city], **{option.removeprefix("--"): int(value)})
        elif problem is not None:
            problems.append(problem)
    return shares, problems


def _problem(city: CityId | None, option: str, value: str) -> Problem | None:
    if option not in ("--reserve", "--cap"):
        return Problem(option, "unknown option", _FORM)
    if city is None:
        return Problem(option, "stands before the first city", _FORM)
    if not _NUMBER.fullmatch(value):
        return Problem(f"city {city} {option}", f"{value[:40]!r} is no whole number", _FORM)
    return None
