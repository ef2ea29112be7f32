"""
Put the operations together into one ASGI application.
"""

import secrets
from http import HTTPStatus

import msgspec
import structlog
from starlette.exceptions import HTTPException
from starlette.routing import Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from rsolv.api.documentation import documentation_page
from rsolv.api.endpoint import Endpoint, send_reply
from rsolv.api.errors import WireRefusal, internal_error, reply_to_error
from rsolv.api.openapi import build_document
from rsolv.api.operation import Access, Call, Operation, Reply
from rsolv.api.parts import Parts
from rsolv.api.routes import OPERATIONS

log = structlog.get_logger()


def build_application(parts: Parts) -> ASGIApp:
    """
    Return the application that answers every operation, its own description, and JSON errors for all else.
    """
    operations = (*OPERATIONS, *_description_of(OPERATIONS))
    routes = [Route(operation.path, Endpoint(operation, parts), methods=[operation.method]) for operation in operations]
    return _JsonErrors(Router(routes, redirect_slashes=False))


def _description_of(operations: tuple[Operation, ...]) -> tuple[Operation, ...]:
    async def openapi(_call: Call) -> Reply:
        """
        Return this API's description as OpenAPI 3.1.
        """
        return Reply(document_bytes)

    async def documentation(_call: Call) -> Reply:
        """
        Show the reference of this API as a page.
        """
        return page

    described = (
        Operation("GET", "/api/openapi", "OpenAPI document", Access.PUBLIC, openapi, None, "Operation"),
        Operation(
            "GET",
            "/api/docs",
            "Reference page",
            Access.PUBLIC,
            documentation,
            None,
            "Operation",
            content_type="text/html",
        ),
    )
    document = build_document((*operations, *described))
    document_bytes = msgspec.json.encode(document)
    page = documentation_page(document)
    return described


class _JsonErrors:
    """
    Answer in JSON where no operation does: unknown paths, wrong methods, and what the router itself raises.
    """

    def __init__(self, application: ASGIApp) -> None:
        self._application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        # The router raises HTTPException instead of answering in plain text when it finds itself in an application.
        scope["app"] = self
        request_id = secrets.token_hex(8)
        try:
            await self._application(scope, receive, send)
        except HTTPException as error:
            reply = reply_to_error(_refusal(error), request_id) or internal_error(request_id)
            await send_reply(send, reply, reply.status or error.status_code, request_id)


def _refusal(error: HTTPException) -> WireRefusal:
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        allow = (error.headers or {}).get("Allow", "")
        return WireRefusal(
            HTTPStatus.METHOD_NOT_ALLOWED,
            "method_not_allowed",
            f"This path answers {allow} only.",
            headers=((b"allow", allow.encode()),),
        )
    return WireRefusal(HTTPStatus.NOT_FOUND, "unknown_path", "There is nothing at this path.")
