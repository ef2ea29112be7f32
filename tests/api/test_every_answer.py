"""
What holds for every answer, and for the requests that get none.
"""

import dataclasses
import json
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs

from api.wire import ONBOARD, RETRIEVE, STORE, USAGE, fix
from rsolv.api import Parts, build_application
from rsolv.api.endpoint import Endpoint
from rsolv.api.errors import reply_to_error
from rsolv.api.operation import Access, Call, Operation, Reply
from rsolv.kernel.errors import TooMany

Message = dict[str, Any]
SECRET_OF_OURS = "password=hunter2 in /srv/secret.py"


async def broken(_call: Call) -> Reply:
    """
    Fail as no handler should.
    """
    raise RuntimeError(SECRET_OF_OURS)


BROKEN = Operation("GET", "/broken", "Broken", Access.PUBLIC, broken, None, "Test")


async def spoken_to(application: Callable[..., Awaitable[None]], scope: Message, *messages: Message) -> list[Message]:
    """
    Speak ASGI to an application and return what it sent.
    """
    incoming = iter(messages)
    sent: list[Message] = []

    async def receive() -> Message:
        return next(incoming)

    async def send(message: Message) -> None:
        sent.append(message)

    await application(scope, receive, send)
    return sent


def http(method: str, path: str) -> Message:
    """
    Describe a request as a server hands it to the application.
    """
    return {"type": "http", "method": method, "path": path, "query_string": b"", "headers": [], "root_path": ""}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/health", 200),
        ("GET", "/ready", 200),
        ("GET", USAGE, 200),
        ("GET", "/api/openapi", 200),
        ("GET", "/api/docs", 200),
        ("POST", STORE, 400),
        ("POST", ONBOARD, 400),
        ("GET", RETRIEVE, 422),
        ("GET", "/nowhere", 404),
        ("PUT", USAGE, 405),
    ],
)
async def test_every_answer_has_an_id_and_is_kept_by_nobody(
    acme_client: httpx.AsyncClient, method: str, path: str, status: int
) -> None:
    """
    Success or refusal: x-request-id, no caching, no guessing of types, and the true length.
    """
    answer = await acme_client.request(method, path)
    again = await acme_client.request(method, path)

    assert answer.status_code == status
    assert len(answer.headers["x-request-id"]) == 16
    assert answer.headers["x-request-id"] != again.headers["x-request-id"]
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert int(answer.headers["content-length"]) == len(answer.content)


async def test_a_mistake_of_ours_is_a_500_that_tells_nothing(parts: Parts) -> None:
    """
    The body is the usual JSON with the id under which the log has the rest.
    """
    with capture_logs() as logs:
        sent = await spoken_to(Endpoint(BROKEN, parts), http("GET", "/broken"))

    body = json.loads(sent[1]["body"])
    assert sent[0]["status"] == 500
    assert body == {
        "error": "Something went wrong on our side.",
        "code": "internal_error",
        "request_id": body["request_id"],
    }
    assert SECRET_OF_OURS not in str(sent)
    assert [entry["event"] for entry in logs] == ["request_crashed", "request_answered"]
    assert {entry["request_id"] for entry in logs} == {body["request_id"]}


async def test_the_log_of_a_request_names_no_secret(acme_client: httpx.AsyncClient) -> None:
    """
    Path, method, status and duration are logged; key, body and query are not.
    """
    with capture_logs() as logs:
        await acme_client.post(STORE, json=fix(7))
        await acme_client.get(RETRIEVE, params={"repo": "acme/shop", "commit": "c0ffee"})

    assert [(entry["method"], entry["operation"], entry["status"]) for entry in logs] == [
        ("POST", STORE, 200),
        ("GET", RETRIEVE, 200),
    ]
    assert acme_client.headers["x-api-key"] not in str(logs)
    assert "acme" not in str(logs)


async def test_who_hangs_up_is_not_answered(parts: Parts) -> None:
    """
    A caller gone before the body was complete gets no answer, and nothing is logged as a crash.
    """
    with capture_logs() as logs:
        sent = await spoken_to(
            build_application(parts),
            http("POST", ONBOARD),
            {"type": "http.request", "body": b'{"email": ', "more_body": True},
            {"type": "http.disconnect"},
        )

    assert sent == []
    assert logs == []


async def test_a_body_in_pieces_is_put_together(parts: Parts) -> None:
    """
    However the network cut the body, it is read whole.
    """
    pieces = [
        {"type": "http.request", "body": bytes([byte]), "more_body": True} for byte in b'{"email":"a@example.com"}'
    ]

    sent = await spoken_to(build_application(parts), http("POST", ONBOARD), *pieces, {"type": "http.request"})

    assert sent[0]["status"] == 201


@pytest.mark.parametrize("kind", ["websocket", "lifespan"])
async def test_what_is_not_http_is_let_lie(parts: Parts, kind: str) -> None:
    """
    The application answers HTTP only; a websocket is neither accepted nor a crash.
    """
    assert await spoken_to(build_application(parts), {"type": kind, "path": "/", "headers": []}) == []


async def test_head_is_answered_where_get_is(acme_client: httpx.AsyncClient) -> None:
    """
    HEAD has the status of GET; the server leaves the body away.
    """
    assert (await acme_client.head("/health")).status_code == httpx.codes.OK


async def test_a_limit_tells_when_to_come_again() -> None:
    """
    An error of the kind TooMany is a 429 with Retry-After.
    """
    limit = type("LimitReached", (TooMany,), {"code": "limit_reached", "sentence": "Wait.", "__module__": __name__})

    reply = reply_to_error(limit(), "id")

    assert reply is not None
    assert reply.status == httpx.codes.TOO_MANY_REQUESTS
    assert reply.headers == ((b"retry-after", b"1"),)


async def test_a_value_the_database_cannot_hold_is_the_callers(parts: Parts, acme_client: httpx.AsyncClient) -> None:
    """
    What only the database finds impossible is a 422, not a crash.
    """

    async def hand_over(call: Call) -> Reply:
        async with call.parts.database.transaction() as connection:
            await connection.execute("SELECT $1::jsonb", '{"x": "\\u0000"}')
        raise AssertionError("PostgreSQL takes no NUL")

    sent = await spoken_to(Endpoint(dataclasses.replace(BROKEN, handler=hand_over), parts), http("GET", "/broken"))

    assert sent[0]["status"] == 422
    assert json.loads(sent[1]["body"])["errors"] == {"body": ["cannot be stored"]}
