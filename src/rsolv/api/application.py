"""
Put the operations together into one ASGI application.
"""

import re
import secrets
from http import HTTPStatus

import msgspec
import structlog
from starlette.convertors import Convertor, register_url_convertor
from starlette.exceptions import HTTPException
from starlette.routing import Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from rsolv.api.documentation import documentation_page
from rsolv.api.endpoint import Endpoint, send_reply
from rsolv.api.errors import WireRefusal, internal_error, reply_to_error
from rsolv.api.openapi import build_document
from rsolv.api.operation import Access, Call, Operation, Reply
from rsolv.api.parsing import unknown_path
from rsolv.api.parts import Parts
from rsolv.api.routes import OPERATIONS

log = structlog.get_logger()

_NAME_IN_PATH = re.compile(r"\{(\w+)\}")


class _Id(Convertor[str]):
    """
    What can be an id in a path: digits, so that a word beside it is a path of its own and answers for itself.
    """

    regex = "[0-9]{1,19}"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


register_url_convertor("id", _Id())


def build_application(parts: Parts) -> ASGIApp:
    """
    Return the application that answers every operation, its own description, and JSON errors for all else.
    """
    operations = (*OPERATIONS, *_description_of(OPERATIONS))
    by_path: dict[str, dict[str, Endpoint]] = {}
    for operation in operations:
        by_path.setdefault(operation.path, {})[operation.method] = Endpoint(operation, parts)
    routes = [
        Route(_NAME_IN_PATH.sub(r"{\1:id}", path), _ByMethod(endpoints), methods=list(endpoints))
        for path, endpoints in by_path.items()
    ]
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


class _ByMethod:
    """
    Answer the operations of one path. One route has them all, so that a 405 names each of their methods.
    """

    def __init__(self, endpoints: dict[str, Endpoint]) -> None:
        self._endpoints = endpoints

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        await self._endpoints[method](scope, receive, send)


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
    return unknown_path()
