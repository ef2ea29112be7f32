"""
The way of one request: read, authenticate, parse, handle, answer. Errors of every sort become JSON here.
"""

import secrets
import time
from http import HTTPStatus

import msgspec
import structlog
from starlette.types import Receive, Scope, Send

from rsolv.api.errors import WireRefusal, internal_error, reply_to_error
from rsolv.api.operation import Access, Call, Operation, Reply
from rsolv.api.parsing import parse_body, parse_path, parse_query
from rsolv.api.parts import Parts
from rsolv.kernel import clock

log = structlog.get_logger()

_encoder = msgspec.json.Encoder()
_USUAL_HEADERS = ((b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff"))


class ClientGone(Exception):
    """
    The caller hung up before the body was complete; there is nobody to answer.
    """


class Endpoint:
    """
    An ASGI application that answers one operation.
    """

    def __init__(self, operation: Operation, parts: Parts) -> None:
        self._operation = operation
        self._parts = parts
        self._decoder = msgspec.json.Decoder(operation.body) if operation.body else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.perf_counter()
        request_id = secrets.token_hex(8)
        try:
            reply = await self._answer(scope, receive, request_id)
        except ClientGone:
            return
        except Exception as error:
            expected = reply_to_error(error, request_id)
            if expected is None:
                log.exception("request_crashed", request_id=request_id, operation=self._operation.path)
            reply = expected or internal_error(request_id)
        status = reply.status or self._operation.status
        await send_reply(send, reply, status, request_id)
        log.info(
            "request_answered",
            request_id=request_id,
            method=self._operation.method,
            operation=self._operation.path,
            status=int(status),
            duration_ms=round((time.perf_counter() - started) * 1_000, 2),
        )

    async def _answer(self, scope: Scope, receive: Receive, request_id: str) -> Reply:
        headers = _combined(list(scope["headers"]))
        client = scope.get("client")
        call = Call(
            parts=self._parts,
            request_id=request_id,
            now=clock.now(),
            headers=headers,
            ip=client[0] if client else None,
        )
        if self._operation.access is Access.API_KEY:
            call.caller = await self._parts.authenticator.authenticate(_presented_key(headers), now=call.now)
            self._parts.last_used.note(call.caller, call.now)
        if self._operation.path_parameters is not None:
            call.path = parse_path(self._operation.path_parameters, scope.get("path_params", {}))
        if self._operation.query is not None:
            call.query = parse_query(self._operation.query, scope["query_string"])
        if self._decoder is not None:
            raw_body = await _read_body(headers, receive, self._parts.max_body_bytes)
            call.body = parse_body(self._decoder, raw_body, headers.get(b"content-type", b""))
        return await self._operation.handler(call)


async def send_reply(send: Send, reply: Reply, status: int, request_id: str) -> None:
    """
    Send a whole answer with the usual headers and the request's id.
    """
    content = reply.content if isinstance(reply.content, bytes) else _encoder.encode(reply.content)
    await send(
        {
            "type": "http.response.start",
            "status": int(status),
            "headers": [
                (b"content-type", reply.content_type),
                (b"content-length", str(len(content)).encode()),
                (b"x-request-id", request_id.encode()),
                *_USUAL_HEADERS,
                *reply.headers,
            ],
        }
    )
    await send({"type": "http.response.body", "body": content})


def _combined(lines: list[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """
    Map names to values; repeated lines are one value with commas (RFC 9110, 5.2), so that a key sent twice is no key.
    """
    headers = dict(lines)
    if len(headers) != len(lines):
        headers = {name: b", ".join(value for other, value in lines if other == name) for name in headers}
    return headers


def _presented_key(headers: dict[bytes, bytes]) -> str | None:
    presented = headers.get(b"x-api-key")
    return None if presented is None else presented.decode("latin-1")


async def _read_body(headers: dict[bytes, bytes], receive: Receive, max_body_bytes: int) -> bytes:
    too_large = WireRefusal(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        "body_too_large",
        f"The body is larger than {max_body_bytes} bytes.",
    )
    declared = headers.get(b"content-length", b"0")
    if declared.isdigit() and int(declared[:20]) > max_body_bytes:
        raise too_large
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        chunk: bytes = message.get("body", b"")
        size += len(chunk)
        if size > max_body_bytes:
            raise too_large
        chunks.append(chunk)
        if not message.get("more_body"):
            return chunks[0] if len(chunks) == 1 else b"".join(chunks)
