"""
Raw bytes in, short answers out: what a webhook needs of HTTP.
"""

from collections.abc import Sequence
from http import HTTPStatus

import msgspec
from starlette.types import Receive, Send

_USUAL_HEADERS = ((b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff"))


class ClientGone(Exception):
    """
    The sender hung up before the body was complete; there is nobody to answer.
    """


class BodyTooLarge(Exception):
    """
    The body is larger than any that we take; the rest of it is not read.
    """


async def read_body(headers: Sequence[tuple[bytes, bytes]], receive: Receive, *, bytes_max: int) -> bytes:
    """
    Return the body as it was sent, byte by byte.

    Raises:
        BodyTooLarge: it is declared, or turns out, to be larger than *bytes_max*.
        ClientGone: the sender left.
    """
    declared = dict(headers).get(b"content-length", b"0")
    if declared.isdigit() and int(declared[:20]) > bytes_max:
        raise BodyTooLarge
    chunks: list[bytes] = []
    size, is_more = 0, True
    while is_more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        chunk: bytes = message.get("body", b"")
        size += len(chunk)
        if size > bytes_max:
            raise BodyTooLarge
        chunks.append(chunk)
        is_more = bool(message.get("more_body"))
    return b"".join(chunks)


async def send_error(send: Send, status: HTTPStatus, sentence: str, request_id: str) -> None:
    """
    Answer with what is wrong, in a sentence.
    """
    allow = ((b"allow", b"POST"),) if status is HTTPStatus.METHOD_NOT_ALLOWED else ()
    retry = ((b"retry-after", b"60"),) if status is HTTPStatus.SERVICE_UNAVAILABLE else ()
    content = msgspec.json.encode({"error": sentence})
    await _send(send, status, content, request_id, (b"content-type", b"application/json"), *allow, *retry)


async def send_text(send: Send, status: HTTPStatus, content: bytes, request_id: str) -> None:
    """
    Answer with a word.
    """
    await _send(send, status, content, request_id, (b"content-type", b"text/plain; charset=utf-8"))


async def _send(send: Send, status: HTTPStatus, content: bytes, request_id: str, *headers: tuple[bytes, bytes]) -> None:
    usual = (
        (b"content-length", str(len(content)).encode()),
        (b"x-request-id", request_id.encode()),
        *_USUAL_HEADERS,
    )
    await send({"type": "http.response.start", "status": int(status), "headers": [*headers, *usual]})
    await send({"type": "http.response.body", "body": content})
