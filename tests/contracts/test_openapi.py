"""
The OpenAPI document: valid, the same as the routes, and complete about refusals.
"""

from collections.abc import Iterator
from string import Formatter
from typing import Any

import httpx
import jsonschema_rs
import pytest
import schemathesis
from starlette.routing import Router

from rsolv.api import Parts, build_application
from rsolv.api.errors import ErrorBody
from rsolv.api.operation import Access, Operation
from rsolv.api.routes import OPERATIONS

Document = dict[str, Any]
EACH = pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: f"{operation.method} {operation.path}")


@pytest.fixture
async def document(client: httpx.AsyncClient) -> Document:
    """
    The document as callers get it.
    """
    answer = await client.get("/api/openapi")
    assert answer.headers["content-type"] == "application/json"
    return dict(answer.json())


def operations_of(document: Document) -> Iterator[tuple[str, str, Document]]:
    """
    Yield method, path and description of each operation.
    """
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def references_in(part: object) -> Iterator[str]:
    """
    Yield every $ref below a part of the document.
    """
    if isinstance(part, dict):
        yield from [part["$ref"]] if "$ref" in part else []
        for inner in part.values():
            yield from references_in(inner)
    if isinstance(part, list):
        for inner in part:
            yield from references_in(inner)


def routed(parts: Parts) -> set[tuple[str, str]]:
    """
    Walk the application's router: which methods it answers at which paths. HEAD comes with GET.
    """
    router = next(part for part in vars(build_application(parts)).values() if isinstance(part, Router))
    return {(method, route.path_format) for route in router.routes for method in route.methods - {"HEAD"}}


async def test_the_document_is_valid_openapi(document: Document) -> None:
    """
    It is 3.1, keeps to the specification's own schema, and its shapes are valid JSON Schema of 2020-12.
    """
    assert document["openapi"].startswith("3.1")

    schemathesis.openapi.from_dict(document).validate()
    for shape in document["components"]["schemas"].values():
        jsonschema_rs.Draft202012Validator(shape | {"components": document["components"]})


async def test_the_check_of_validity_notices_a_wrong_document(document: Document) -> None:
    """
    Planted: a parameter that is nowhere, and a shape of an unknown type, are refused by the same checks.
    """
    parameter = document["paths"]["/api/v1/phases/retrieve"]["get"]["parameters"][0]
    parameter["in"] = "nowhere"

    with pytest.raises(jsonschema_rs.ValidationError):
        schemathesis.openapi.from_dict(document).validate()
    with pytest.raises(jsonschema_rs.ValidationError):
        jsonschema_rs.Draft202012Validator({"type": "credit"})


async def test_every_reference_is_met_and_every_shape_is_used(document: Document) -> None:
    """
    No reference leads nowhere, and no shape is left over.
    """
    references = set(references_in(document))

    assert references == {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}


async def test_what_is_described_is_what_is_routed(document: Document, parts: Parts) -> None:
    """
    Every route is in the document, and the document has no other.
    """
    described = {(method, path) for method, path, _ in operations_of(document)}

    assert described == routed(parts)


async def test_the_comparison_with_the_routes_notices_a_difference(document: Document, parts: Parts) -> None:
    """
    Planted: a path that only the document has shows.
    """
    document["paths"]["/api/v1/planted"] = document["paths"]["/health"]

    assert {(method, path) for method, path, _ in operations_of(document)} != routed(parts)


async def test_every_operation_can_be_told_and_read(document: Document) -> None:
    """
    Each has an id of its own, a summary, a description and a tag.
    """
    described = [operation for _, _, operation in operations_of(document)]

    assert len({operation["operationId"] for operation in described}) == len(described)
    assert all(operation["summary"] and operation["description"] and operation["tags"] for operation in described)


@EACH
async def test_who_may_call_is_declared(document: Document, operation: Operation) -> None:
    """
    An operation behind a key says so with the scheme of the x-api-key header; the others ask for nothing.
    """
    described = document["paths"][operation.path][operation.method.lower()]

    wanted = [{"api_key": []}] if operation.access is Access.API_KEY else None
    assert described.get("security") == wanted
    assert document["components"]["securitySchemes"]["api_key"] == {
        "type": "apiKey",
        "in": "header",
        "name": "x-api-key",
    }


def owed_refusals(operation: Operation) -> set[int]:
    """
    Say which refusals an operation must declare, from what it asks for.
    """
    owed = {
        401: operation.access is Access.API_KEY,
        400: operation.body is not None or operation.query is not None,
        409: operation.accepts_idempotency_key,
        413: operation.body is not None,
        415: operation.body is not None,
        422: operation.body is not None or operation.query is not None,
        503: operation.path != "/health",
    }
    return {status for status, is_owed in owed.items() if is_owed}


@EACH
async def test_every_refusal_is_declared_with_the_error_body(document: Document, operation: Operation) -> None:
    """
    What an operation asks for decides which refusals it must declare, each with the one error body.
    """
    responses = document["paths"][operation.path][operation.method.lower()]["responses"]

    refusals = {int(status): response for status, response in responses.items() if int(status) >= 400}
    assert set(refusals) >= owed_refusals(operation)
    assert set(refusals) - owed_refusals(operation) <= {402, 403, 404, 409, 410, 429}
    shapes = {
        int(status): response["content"]["application/json"]["schema"]["$ref"].split("/")[-1]
        for status, response in responses.items()
        if int(status) in refusals
    }
    own = {"ReadyAnswer"} if operation.path == "/ready" else {ErrorBody.__name__}
    assert set(shapes.values()) <= own
    pages = {status for status, response in refusals.items() if "text/html" in response["content"]}
    assert pages == (set(operation.own_refusals) if operation.content_type == "text/html" else set())


@EACH
async def test_success_is_declared_with_its_shape(document: Document, operation: Operation) -> None:
    """
    There is one success, of the operation's status and shape, in JSON or a page; a redirection is declared beside it.
    """
    responses = document["paths"][operation.path][operation.method.lower()]["responses"]

    successes = {status: response for status, response in responses.items() if int(status) < 300}
    redirections = [status for status in responses if 300 <= int(status) < 400]
    (response,) = successes.values()
    answer = {"$ref": f"#/components/schemas/{operation.answer.__name__}"} if operation.answer else {}
    assert list(successes) == [str(int(operation.status))]
    assert redirections == (["303"] if operation.redirects else [])
    assert response["content"] == {operation.content_type: {"schema": answer}}
    assert (operation.answer is None) is (operation.content_type == "text/html")


@EACH
async def test_what_stands_in_the_path_is_declared(document: Document, operation: Operation) -> None:
    """
    Each name in braces is a parameter of the path, and required; there is no other.
    """
    described = document["paths"][operation.path][operation.method.lower()]

    declared = {each["name"]: each["required"] for each in described["parameters"] if each["in"] == "path"}
    assert declared == {name: True for _, name, _, _ in Formatter().parse(operation.path) if name}


async def test_an_alias_says_whose_it_is(document: Document) -> None:
    """
    The alias names the path it stands for, and is otherwise the same.
    """
    original = document["paths"]["/api/v1/phases/store"]["post"]
    alias = document["paths"]["/api/v1/phase-data"]["post"]

    assert alias["description"].startswith("The same as /api/v1/phases/store. ")
    assert alias["responses"] == original["responses"]
    assert alias["requestBody"] == original["requestBody"]
