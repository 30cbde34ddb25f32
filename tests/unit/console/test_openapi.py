"""The OpenAPI document: valid, and nothing in it that is not served."""

import re

import msgspec
import pytest
from aiohttp import web
from openapi_spec_validator import OpenAPIV31SpecValidator

from console.api_document import OPERATIONS
from console.openapi import openapi
from console.operations import Number, Operation, Words
from console.schemas import ErrorTold

pytestmark = pytest.mark.unit

DOCUMENT = openapi(OPERATIONS, version="1.2.3")


def test_the_document_is_valid_openapi_3_1() -> None:
    assert [error.message for error in OpenAPIV31SpecValidator(DOCUMENT).iter_errors()] == []
    assert DOCUMENT["openapi"].startswith("3.1")
    msgspec.json.encode(DOCUMENT)


def test_every_operation_is_there_with_its_types_and_failures() -> None:
    for operation in OPERATIONS:
        told = DOCUMENT["paths"][operation.path][operation.method.lower()]
        assert told["operationId"] == operation.name
        assert told["summary"].endswith(".")
        assert set(told["responses"]) >= {"200", "401", "403", "404", "503"}
        assert ("requestBody" in told) == (operation.takes is not None)
        in_path = {parameter["name"] for parameter in told["parameters"] if parameter["in"] == "path"}
        assert in_path == set(re.findall(r"\{(\w+)\}", operation.path))
    schemas = DOCUMENT["components"]["schemas"]
    assert set(schemas) >= {"ErrorTold", "Standing", "QuotaVersion", "SharesAsked", "Difference"}
    assert schemas["SharesAsked"]["required"] == ["base", "why", "cities"]
    assert schemas["SharesAsked"]["additionalProperties"] is False


async def _nothing(_: web.Request) -> web.Response:
    """Do nothing.

    And more of it.
    """
    return web.Response()


def test_parameters_and_descriptions() -> None:
    parameters = (Number("newest", "How many.", 1, 9, 5), Words("since", "From when.", "-1d"))
    operation = Operation(
        method="GET", path="/x/{a}/{b}", name="x", handler=_nothing, answer=ErrorTold, parameters=parameters
    )
    document = openapi([operation], version="1")
    told = document["paths"]["/x/{a}/{b}"]["get"]
    assert (told["summary"], told["description"]) == ("Do nothing.", "And more of it.")
    assert [parameter["name"] for parameter in told["parameters"]] == ["a", "b", "newest", "since"]
    assert told["parameters"][2]["schema"] == {"type": "integer", "minimum": 1, "maximum": 9, "default": 5}
    assert told["parameters"][3]["schema"] == {"type": "string", "default": "-1d"}
    assert [error.message for error in OpenAPIV31SpecValidator(document).iter_errors()] == []
