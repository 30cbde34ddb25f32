"""The OpenAPI 3.1 document, from the table of operations and the types they name. Pure.

Source:
    OpenAPI Specification 3.1.1; its schemas are JSON Schema 2020-12, which is what msgspec gives.
"""

import inspect
import re
from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec

from console.operations import Number, Operation, Words
from console.schemas import ErrorTold

_IN_PATH: Final = re.compile(r"\{(\w+)\}")
_ALWAYS: Final = (
    (401, "No token, or not one of ours."),
    (403, "The token's role or scope does not allow it."),
    (404, "Not on this console."),
    (503, "A part that is needed does not answer: try again in some seconds."),
)
_TEMPLATE: Final = "#/components/schemas/{name}"


def openapi(operations: Sequence[Operation], *, version: str) -> dict[str, Any]:
    """Make the document, as JSON values.

    Args:
        operations: What it describes.
        version: Of Tieline.
    """
    types = list(dict.fromkeys([ErrorTold, *_types(operations)]))
    references, schemas = msgspec.json.schema_components(types, ref_template=_TEMPLATE)
    reference = dict(zip(types, references, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _described(operation, reference)
    for schema in schemas.values():
        if "description" in schema:
            schema["description"] = inspect.cleandoc(schema["description"])
    document = {
        "openapi": "3.1.1",
        "info": {
            "title": "Tieline",
            "version": version,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }
    made: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(document))  # defaults in schemas are tuples
    return made


def _types(operations: Iterable[Operation]) -> Iterable[type]:
    for operation in operations:
        yield operation.answer
        if operation.takes is not None:
            yield operation.takes


def _described(operation: Operation, reference: dict[type, Any]) -> dict[str, Any]:
    summary, _, rest = inspect.cleandoc(operation.handler.__doc__ or "").partition("\n")
    made: dict[str, Any] = {
        "operationId": operation.name,
        "summary": summary,
        "parameters": [
            *(
                {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
                for name in _names(operation)
            ),
            *map(_in_query, operation.parameters),
        ],
        "responses": {
            "200": {"description": "Done.", "content": _json(reference[operation.answer])},
            **{
                str(status): {"description": what, "content": _json(reference[ErrorTold])}
                for status, what in (*_ALWAYS, *operation.refusals)
            },
        },
    }
    if rest.strip():
        made["description"] = rest.strip()
    if operation.takes is not None:
        made["requestBody"] = {"required": True, "content": _json(reference[operation.takes])}
    return made


def _names(operation: Operation) -> list[str]:
    return _IN_PATH.findall(operation.path)


def _in_query(parameter: Number | Words) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string", "default": parameter.default}
    if isinstance(parameter, Number):
        schema = {
            "type": "integer",
            "minimum": parameter.lowest,
            "maximum": parameter.highest,
            "default": parameter.default,
        }
    return {"name": parameter.name, "in": "query", "description": parameter.what, "schema": schema}


def _json(schema: Any) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}
