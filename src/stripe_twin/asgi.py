"""
The twin as an ASGI application, and the troubles of a real connection.
"""

import socket
import struct
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import urlsplit

from stripe_twin.core.exchange import Request, Response, json_response
from stripe_twin.twin import Twin

CONNECTION = "stripe_twin.connection"
"""
The ASGI extension by which the server hands over the connection's `transport`, and is told when it `is_silent`.
"""
BODY_BYTES_MAX = 1024 * 1024
_HOSTS = frozenset({"127.0.0.1", "localhost"})

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class Gone(Exception):
    """
    The client went away before its request was whole.
    """


class Application:
    """
    Answers HTTP with a twin. *around* is called before and after each request, for the clock and the post.
    """

    def __init__(self, twin: Twin, *, around: Callable[[], None] = lambda: None) -> None:
        self._twin = twin
        self._around = around

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """
        Answer one request.
        """
        assert scope["type"] == "http", "a web server for HTTP, with its lifespan off"
        try:
            response = await self._respond(scope, receive)
        except Gone:
            return
        await _deliver(response, scope, receive, send)

    async def _respond(self, scope: Message, receive: Receive) -> Response:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        host = headers.get("host", "")
        if not _is_ours(host):
            # A page elsewhere may have its own name resolve to this machine, and its scripts would read our answers.
            return _error(403, f"The twin answers to {' and '.join(sorted(_HOSTS))} only.")
        body = await _read(receive)
        if body is None:
            return _error(413, f"The twin takes bodies of up to {BODY_BYTES_MAX} bytes.", connection="close")
        self._around()
        request = Request(
            method=scope["method"],
            path=scope["path"],
            query=scope["query_string"].decode("latin-1"),
            headers=headers,
            body=body,
            base_url=f"http://{host}",
        )
        response = await self._twin.respond(request)
        self._around()
        return response


def _is_ours(host: str) -> bool:
    try:
        return urlsplit(f"//{host}").hostname in _HOSTS
    except ValueError:
        return False


def _error(status: int, message: str, **headers: str) -> Response:
    return json_response(status, {"error": {"type": "invalid_request_error", "message": message}}, **headers)


async def _read(receive: Receive) -> bytes | None:
    """
    Return the request's body; None when it is too large.

    Raises:
        Gone: it was never whole.
    """
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Gone
        body += message.get("body", b"")
        if len(body) > BODY_BYTES_MAX:
            return None
        if not message.get("more_body", False):
            return bytes(body)


async def _deliver(response: Response, scope: Message, receive: Receive, send: Send) -> None:
    if response.trouble is None:
        await _send(response, send, len(response.body))
        return
    connection = scope["extensions"][CONNECTION]
    transport = connection["transport"]
    match response.trouble:
        case "silence":
            connection["is_silent"] = True
            await _until_gone(receive)
        case "refused":
            # With this option closing sends a reset, as where nobody listens.
            transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            transport.abort()
            await _until_gone(receive)
        case "cut":
            await _send(response, send, len(response.body) // 2)
            transport.close()
            await _until_gone(receive)


async def _send(response: Response, send: Send, length: int) -> None:
    """
    Send the first *length* bytes of a response that promises all of them.
    """
    named = {**response.headers, "content-length": str(len(response.body))}
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in named.items()]
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    is_cut = length < len(response.body)
    await send({"type": "http.response.body", "body": response.body[:length], "more_body": is_cut})


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
