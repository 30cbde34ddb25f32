"""Turn a part's picture of its counters into plain named numbers, so that the console needs to know no part."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, is_dataclass
from typing import Any

import msgspec


def figures(picture: Callable[[], object]) -> Mapping[str, float]:
    """Take a picture (frozen dataclass, struct or mapping) and flatten it: `sessions_admit_done` and so on."""
    return dict(_flat("", _plain(picture())))


def _plain(value: object) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    return msgspec.structs.asdict(value) if isinstance(value, msgspec.Struct) else value


def _flat(name: str, value: Any) -> Iterator[tuple[str, float]]:
    if isinstance(value, msgspec.Struct):
        value = msgspec.structs.asdict(value)
    if isinstance(value, Mapping):
        for key, part in value.items():
            words = "_".join(str(word) for word in key) if isinstance(key, tuple) else str(key)
            yield from _flat(f"{name}_{words}" if name else words, part)
    elif isinstance(value, bool | int | float):
        yield name, float(value)
