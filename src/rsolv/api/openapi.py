"""
The OpenAPI 3.1 document, made from the very declarations that route requests.
"""

from http import HTTPStatus
from typing import Any

import msgspec

from rsolv import __version__
from rsolv.api.errors import ErrorBody
from rsolv.api.operation import Access, Operation, Shape

_REF = "#/components/schemas/{name}"
_INTRODUCTION = (
    "Sign up, report phase results from CI, and see what they cost. JSON in, JSON out, also on every error. "
    "Authenticate with the `x-api-key` header. Amounts are whole cents, credits are whole fixes, times are UTC."
)


def build_document(operations: tuple[Operation, ...]) -> dict[str, Any]:
    """
    Return the whole document as plain values.
    """
    shapes = [shape for operation in operations for shape in (operation.body, operation.answer) if shape is not None]
    _, components = msgspec.json.schema_components([*dict.fromkeys(shapes), ErrorBody], ref_template=_REF)
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {"title": "RSOLV platform", "version": __version__, "description": _INTRODUCTION},
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"api_key": {"type": "apiKey", "in": "header", "name": "x-api-key"}},
        },
    }


def _operation(operation: Operation) -> dict[str, Any]:
    document: dict[str, Any] = {
        "operationId": _operation_id(operation),
        "summary": operation.summary,
        "description": _description(operation),
        "tags": [operation.tag],
        "parameters": _parameters(operation),
        "responses": _responses(operation),
    }
    if operation.access is Access.API_KEY:
        document["security"] = [{"api_key": []}]
    if operation.body is not None:
        document["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": _reference(operation.body)}},
        }
    return document


def _operation_id(operation: Operation) -> str:
    name = operation.handler.__name__
    return f"{name}_alias" if operation.alias_of else name


def _description(operation: Operation) -> str:
    text = " ".join((operation.handler.__doc__ or "").split())
    return f"The same as {operation.alias_of}. {text}" if operation.alias_of else text


def _parameters(operation: Operation) -> list[dict[str, Any]]:
    parameters: list[dict[str, Any]] = []
    if operation.accepts_idempotency_key:
        parameters.append(
            {
                "name": "Idempotency-Key",
                "in": "header",
                "required": False,
                "description": "1 to 255 visible ASCII characters; a repeat gets the first answer for 24 hours.",
                "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
            }
        )
    parameters += _parameters_of(operation.path_parameters, "path")
    parameters += _parameters_of(operation.query, "query")
    return parameters


def _parameters_of(shape: type[Shape] | None, place: str) -> list[dict[str, Any]]:
    if shape is None:
        return []
    _, components = msgspec.json.schema_components([shape], ref_template=_REF)
    schema = components[shape.__name__]
    required = set(schema.get("required", ()))
    return [
        {"name": name, "in": place, "required": name in required, "schema": _without_null(definition)}
        for name, definition in schema["properties"].items()
    ]


def _without_null(definition: dict[str, Any]) -> dict[str, Any]:
    """
    Drop the null alternative: a query parameter that is absent is absent.
    """
    alternatives = [part for part in definition.get("anyOf", ()) if part != {"type": "null"}]
    if not alternatives:
        return definition
    kept = {name: value for name, value in definition.items() if name not in ("anyOf", "default")}
    return kept | (alternatives[0] if len(alternatives) == 1 else {"anyOf": alternatives})


def _responses(operation: Operation) -> dict[str, Any]:
    own: dict[str, Any] = {operation.content_type: {"schema": _reference(operation.answer) if operation.answer else {}}}
    refusal = {"application/json": {"schema": _reference(ErrorBody)}}
    responses: dict[str, Any] = {
        str(int(operation.status)): {"description": HTTPStatus(operation.status).phrase, "content": own}
    }
    if operation.redirects:
        location = {"schema": {"type": "string"}, "required": True}
        responses["303"] = {"description": HTTPStatus.SEE_OTHER.phrase, "headers": {"Location": location}}
    for status in operation.refusals:
        content = refusal | own if status in operation.own_refusals else refusal
        responses[str(status)] = {"description": HTTPStatus(status).phrase, "content": content}
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            seconds = {"description": "When to come again, in seconds.", "schema": {"type": "integer", "minimum": 1}}
            responses[str(status)]["headers"] = {"Retry-After": seconds | {"required": True}}
    return responses


def _reference(shape: type) -> dict[str, str]:
    return {"$ref": _REF.format(name=shape.__name__)}
