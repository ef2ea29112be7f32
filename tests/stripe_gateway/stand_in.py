"""
Stand in for Stripe at the level of HTTP: say what was prepared, remember what was asked.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import httpx

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

REQUEST_ID = "req_of_the_stand_in"


@dataclass(frozen=True)
class Asked:
    """
    One request as it arrived.
    """

    method: str
    path: str
    parameters: dict[str, str]
    headers: dict[str, str]

    @property
    def key(self) -> str | None:
        """
        The idempotency key.
        """
        return self.headers.get("idempotency-key")


@dataclass
class Prepared:
    """
    One answer; text is sent as it is.
    """

    body: object
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def content(self) -> bytes:
        """
        The bytes of the body.
        """
        return self.body.encode() if isinstance(self.body, str) else json.dumps(self.body).encode()


class StandIn:
    """
    An ASGI application that gives the prepared answers in turn, the last one for ever.
    """

    def __init__(self) -> None:
        self.answers: list[Prepared] = []
        self.asked: list[Asked] = []
        self.under_way = 0
        self.most_under_way = 0
        self.arrived: asyncio.Queue[Asked] = asyncio.Queue()
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    def answer(self, *bodies: object, status: int = 200, **headers: str) -> None:
        """
        Prepare what to say next.
        """
        self.answers = [Prepared(body, status, headers) for body in bodies]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            self.asked.append(await _read(scope, receive))
            self.arrived.put_nowait(self.asked[-1])
            answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
            await self.may_answer.wait()
            await _say(answer, send)
        finally:
            self.under_way -= 1


class Failing(httpx.AsyncBaseTransport):
    """
    A network on which every request fails in one way.
    """

    def __init__(self, error: Exception) -> None:
        self._error = error

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """
        Fail.
        """
        raise self._error


async def _read(scope: Scope, receive: Receive) -> Asked:
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    query = scope["query_string"].decode()
    return Asked(
        method=scope["method"],
        path=scope["path"],
        parameters=dict(parse_qsl(query or body.decode(), keep_blank_values=True)),
        headers={name.decode(): value.decode() for name, value in scope["headers"]},
    )


async def _say(answer: Prepared, send: Send) -> None:
    headers = {"content-type": "application/json", "request-id": REQUEST_ID, **answer.headers}
    pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": answer.status, "headers": pairs})
    await send({"type": "http.response.body", "body": answer.content})
