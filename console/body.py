"""Reads the JSON body of a request; what is wrong with it is told whole, not only the first fault. Pure."""

import dataclasses
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, Final, TypeVar, get_args, get_origin, get_type_hints

import msgspec

from tieline.errors import Problem, TielineError

T = TypeVar("T")

TOLD_AT_MOST: Final = 50
"""Faults of one body: a client that is wrong everywhere learns no more from hundreds."""
_NAME_SHOWN: Final = 40
_MEND: Final = "see /api/v1/openapi.json"


class Unreadable(TielineError):
    """A body is no JSON, or not of the form that is asked for."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        """Remember every fault."""
        super().__init__(problems)
        self.problems = problems


def read_body(raw: bytes, form: type[T]) -> T:
    """Read a body.

    Args:
        raw: As it came.
        form: What it must be; its fields are named in the faults as `cities.putian.reserve`.

    Raises:
        Unreadable: With every fault.
    """
    try:
        value = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Unreadable((_fault("", str(error)),)) from None
    found = tuple(islice(_faults(value, form, ""), TOLD_AT_MOST))
    if found:
        raise Unreadable(found)
    return msgspec.convert(value, form)


def _faults(value: Any, form: Any, where: str) -> Iterator[Problem]:
    """Yield the faults of what is inside a value, or of the value itself when nothing inside it is to blame."""
    inside = list(_inside(value, form, where)) if isinstance(value, dict) else []
    yield from inside
    if not inside:
        try:
            msgspec.convert(value, form)
        except msgspec.ValidationError as error:
            yield _fault(where, str(error))


def _inside(value: Mapping[str, Any], form: Any, where: str) -> Iterator[Problem]:
    if get_origin(form) is Mapping:
        of_one = get_args(form)[1]
        for name, one in value.items():
            yield from _faults(one, of_one, _below(where, name))
    elif isinstance(form, type) and issubclass(form, msgspec.Struct):
        yield from _of_struct(value, form, where)
    elif dataclasses.is_dataclass(form):
        hints = get_type_hints(form)
        for name, kind in hints.items():
            if name in value:
                yield from _faults(value[name], kind, _below(where, name))
        yield from _unknown(value, hints, where)


def _of_struct(value: Mapping[str, Any], form: type[msgspec.Struct], where: str) -> Iterator[Problem]:
    fields = {field.encode_name: field for field in msgspec.structs.fields(form)}
    for name, field in fields.items():
        if name in value:
            yield from _faults(value[name], field.type, _below(where, name))
        elif field.required:
            yield Problem(_below(where, name), "is missing", _MEND)
    if form.__struct_config__.forbid_unknown_fields:
        yield from _unknown(value, fields, where)


def _unknown(value: Mapping[str, Any], known: Mapping[str, Any], where: str) -> Iterator[Problem]:
    for name in value:
        if name not in known:
            yield Problem(_below(where, name), "unknown field", "use " + ", ".join(known))


def _fault(where: str, what: str) -> Problem:
    return Problem(where or "body", what[:200], _MEND)


def _below(where: str, name: str) -> str:
    """Name a field; what came from outside may be long, or hold what cannot be printed."""
    shown = "".join(letter if letter.isprintable() else "?" for letter in name[:_NAME_SHOWN])
    return f"{where}.{shown}" if where else shown
