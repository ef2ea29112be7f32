"""
Who may call which operation: the table is the application's own list of routes.
"""

import dataclasses

import asyncpg
import httpx
import pytest

from api.wire import USAGE, all_at_once, contents, fix, sign_up
from rsolv.api import Parts
from rsolv.api.endpoint import Endpoint
from rsolv.api.operation import Access, Operation
from rsolv.api.routes import OPERATIONS
from rsolv.api_keys.rules import generate_key

BEHIND_A_KEY = [operation for operation in OPERATIONS if operation.access is Access.API_KEY]
REQUIRED = ("authentication_required", "Authentication required")
INVALID = ("invalid_api_key", "Invalid API key")


def address(operation: Operation) -> str:
    """
    Return where an operation is called, with an id wherever its path wants one.
    """
    return operation.path.replace("{id}", "1")


async def answers_of(client: httpx.AsyncClient, headers: dict[str, str]) -> list[httpx.Response]:
    """
    Call every operation that asks for a key with these headers.
    """
    return await all_at_once(
        client.request(operation.method, address(operation), headers=headers, json=fix(7)) for operation in BEHIND_A_KEY
    )


def refusals(answers: list[httpx.Response]) -> set[tuple[int, str, str]]:
    """
    Return what the answers say: status, code and sentence.
    """
    return {(answer.status_code, answer.json()["code"], answer.json()["error"]) for answer in answers}


def mistyped(key: str) -> str:
    """
    Change one character, as a slip of the finger would.
    """
    return key[:-1] + ("A" if key[-1] != "A" else "B")


def test_the_operations_behind_a_key_are_the_ones_we_think() -> None:
    """
    All but signing up, coming back from a card's page, paying by a link and asking after the process need a key.

    A new operation has to be added here knowingly.
    """
    open_to_all = {operation.path for operation in OPERATIONS} - {operation.path for operation in BEHIND_A_KEY}

    assert open_to_all == {
        "/api/v1/customers/onboard",
        "/billing/payment-methods/return",
        "/charges/{customer_id}/{charge_id}",
        "/health",
        "/ready",
    }


@pytest.mark.parametrize(
    ("headers", "refusal"),
    [
        pytest.param({}, REQUIRED, id="nothing"),
        pytest.param({"x-api-key": ""}, REQUIRED, id="empty"),
        pytest.param({"authorization": f"Bearer {generate_key()}"}, REQUIRED, id="bearer"),
        pytest.param({"cookie": f"x-api-key={generate_key()}"}, REQUIRED, id="cookie"),
        pytest.param({"x-api-key": "nonsense"}, INVALID, id="malformed"),
        pytest.param({"x-api-key": mistyped(generate_key())}, INVALID, id="mistyped"),
        pytest.param({"x-api-key": generate_key().upper()}, INVALID, id="upper-case"),
        pytest.param({"x-api-key": f"Bearer {generate_key()}"}, INVALID, id="bearer-in-our-header"),
        pytest.param({"x-api-key": "r" * 10_000}, INVALID, id="very-long"),
        pytest.param({"x-api-key": generate_key()}, INVALID, id="of-another-installation"),
    ],
)
async def test_who_is_not_known_is_refused_everywhere(
    client: httpx.AsyncClient, owner: asyncpg.Connection, headers: dict[str, str], refusal: tuple[str, str]
) -> None:
    """
    Every operation behind a key answers 401 with the one sentence for a missing key, or the one for all other faults.
    """
    before = await contents(owner)

    answers = await answers_of(client, headers)

    assert refusals(answers) == {(httpx.codes.UNAUTHORIZED, *refusal)}
    assert await contents(owner) == before


@pytest.mark.parametrize(
    "statement",
    [
        pytest.param("UPDATE api_keys SET revoked_at = now()", id="revoked"),
        pytest.param("UPDATE api_keys SET expires_at = now() - interval '1 second'", id="expired"),
        pytest.param("UPDATE customers SET deactivated_at = now()", id="customer-deactivated"),
        pytest.param("DELETE FROM api_key_hashes", id="deleted"),
    ],
)
async def test_a_key_that_was_good_once_is_refused_like_any_other(
    acme_client: httpx.AsyncClient, owner: asyncpg.Connection, statement: str
) -> None:
    """
    Revoked, expired, or its customer deactivated: the answer does not tell which, nor that there was such a key.
    """
    await owner.execute(statement)
    before = await contents(owner)

    answers = await answers_of(acme_client, {})

    assert refusals(answers) == {(httpx.codes.UNAUTHORIZED, *INVALID)}
    assert await contents(owner) == before


async def test_a_good_key_in_bytes_that_are_no_text_is_refused(client: httpx.AsyncClient) -> None:
    """
    A header of arbitrary bytes is an invalid key, not a crash.
    """
    answers = await all_at_once(
        client.get(USAGE, headers=[(b"x-api-key", value)]) for value in (b"\xff\xfe", b"rsolv_\xc3\xa9", b"\x80" * 49)
    )

    assert refusals(answers) == {(httpx.codes.UNAUTHORIZED, *INVALID)}


async def test_two_keys_in_one_request_are_refused(acme_client: httpx.AsyncClient) -> None:
    """
    A repeated x-api-key header is refused, even when each is good: which one counts must not depend on who reads it.
    """
    key = acme_client.headers["x-api-key"]
    twice = [(b"x-api-key", key.encode()), (b"X-Api-Key", key.encode())]

    answer = await acme_client.send(httpx.Request("GET", f"http://api.test{USAGE}", headers=twice))

    assert refusals([answer]) == {(httpx.codes.UNAUTHORIZED, *INVALID)}


@pytest.mark.parametrize("name", ["x-api-key", "X-API-Key", "X-Api-Key"])
async def test_the_header_is_understood_in_any_case(client: httpx.AsyncClient, name: str) -> None:
    """
    The name of the header has no case.
    """
    key = (await sign_up(client, "ada@example.com"))["api_key"]

    assert (await client.get(USAGE, headers={name: key})).status_code == httpx.codes.OK


async def test_a_refusal_shows_nothing_of_the_key(client: httpx.AsyncClient) -> None:
    """
    The key that was presented is in neither body nor headers of the refusal.
    """
    key = generate_key()

    for answer in await answers_of(client, {"x-api-key": key}):
        assert key not in answer.text
        assert key not in str(answer.headers)


async def test_who_is_unknown_is_refused_before_the_request_is_read(client: httpx.AsyncClient) -> None:
    """
    Without a key a bad body is a 401 as well: the form of requests is not explained to strangers.
    """
    answers = [
        await client.request(operation.method, address(operation), content=b"{", params={"a": "b"})
        for operation in BEHIND_A_KEY
    ]

    assert refusals(answers) == {(httpx.codes.UNAUTHORIZED, *REQUIRED)}


@pytest.mark.parametrize("operation", BEHIND_A_KEY, ids=lambda operation: f"{operation.method} {operation.path}")
async def test_the_check_notices_an_operation_open_by_mistake(parts: Parts, operation: Operation) -> None:
    """
    Planted: the same operation declared public does not answer 401, so the table above would fail.
    """
    opened = Endpoint(dataclasses.replace(operation, access=Access.PUBLIC), parts)
    transport = httpx.ASGITransport(app=opened)

    async with httpx.AsyncClient(transport=transport, base_url="http://api.test") as stranger:
        answer = await stranger.request(operation.method, address(operation), json=fix(7))

    assert answer.status_code != httpx.codes.UNAUTHORIZED
