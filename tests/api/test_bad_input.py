"""
No input breaks the service: each bad request is refused in JSON, names what is wrong, and writes nothing.
"""

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator

import asyncpg
import httpx
import pytest

from api.bad_requests import BAD_REQUESTS, BadRequest
from api.wire import ONBOARD, STORE, contents, fix, result
from rsolv.local.cluster import Cluster

MEBIBYTE = 1_048_576


@pytest.fixture(scope="module")
def database_url(cluster: Cluster, templates: dict[str, str], catalog_name: str) -> Iterator[str]:
    """
    One database for the whole table: that nothing is ever written to it is what is shown.
    """

    async def run(statement: str) -> None:
        admin = await asyncpg.connect(cluster.url())
        await admin.execute(statement)
        await admin.close()

    asyncio.run(run(f"CREATE DATABASE test_bad_input TEMPLATE {templates[catalog_name]}"))
    yield cluster.url("test_bad_input")
    asyncio.run(run("DROP DATABASE test_bad_input WITH (FORCE)"))


@pytest.fixture(scope="module")
def keys() -> dict[str, str]:
    """
    The key of acme, once acme has signed up in this module's database.
    """
    return {}


@pytest.fixture
async def acme_client(client: httpx.AsyncClient, keys: dict[str, str]) -> httpx.AsyncClient:
    """
    A caller with the key of acme, who signs up for the first test of this module.
    """
    if "acme" not in keys:
        answer = await client.post(ONBOARD, json={"email": "acme@example.com"})
        keys["acme"] = answer.json()["api_key"]
    client.headers["x-api-key"] = keys["acme"]
    return client


@pytest.mark.parametrize("bad", BAD_REQUESTS, ids=lambda bad: bad.name)
async def test_a_bad_request_is_refused_and_writes_nothing(
    acme_client: httpx.AsyncClient, owner: asyncpg.Connection, bad: BadRequest
) -> None:
    """
    The status and the code are the ones of this fault, the body is our error body, and no table has changed.
    """
    before = await contents(owner)

    answer = await acme_client.request(bad.method, bad.path, **bad.sent)

    assert (answer.status_code, answer.json()["code"]) == bad.refusal, answer.text
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["error"]
    assert answer.json()["request_id"] == answer.headers["x-request-id"]
    assert bad.named is None or bad.named in answer.json()["errors"], answer.text
    assert await contents(owner) == before


def test_the_table_of_bad_requests_has_no_name_twice() -> None:
    """
    Each bad request is there once, so that a failing one can be told by its name.
    """
    names = [bad.name for bad in BAD_REQUESTS]

    assert sorted(names) == sorted(set(names))


async def test_the_check_notices_what_was_written(acme_client: httpx.AsyncClient, owner: asyncpg.Connection) -> None:
    """
    Planted: a row more, and a value changed in place, both show in the contents.
    """
    transaction = owner.transaction()
    await transaction.start()
    before = await contents(owner)

    await owner.execute("INSERT INTO forge_accounts SELECT id, 'github', 'planted', now(), NULL FROM customers")
    with_row = await contents(owner)
    await owner.execute("UPDATE customers SET first_scan_at = now()")
    with_change = await contents(owner)
    await transaction.rollback()

    assert len({str(each) for each in (before, with_row, with_change)}) == 3


@pytest.mark.parametrize(
    ("path", "method", "allow"),
    [(STORE, "GET", {"POST"}), ("/health", "POST", {"GET", "HEAD"}), (ONBOARD, "DELETE", {"POST"})],
)
async def test_a_wrong_method_is_told_the_right_one(
    acme_client: httpx.AsyncClient, path: str, method: str, allow: set[str]
) -> None:
    """
    A 405 carries the Allow header.
    """
    answer = await acme_client.request(method, path)

    assert answer.status_code == httpx.codes.METHOD_NOT_ALLOWED
    assert set(answer.headers["allow"].split(", ")) == allow


async def in_chunks(size_bytes: int) -> AsyncIterator[bytes]:
    """
    Send so many bytes without saying before how many there will be.
    """
    for start in range(0, size_bytes, 65_536):
        yield b" " * min(65_536, size_bytes - start)


@pytest.mark.parametrize("path", [STORE, ONBOARD])
async def test_a_body_above_a_mebibyte_is_refused(
    acme_client: httpx.AsyncClient, owner: asyncpg.Connection, path: str
) -> None:
    """
    A byte too many is a 413, whether the length was declared or the body came in chunks.
    """
    before = await contents(owner)

    declared = await acme_client.post(path, content=b" " * (MEBIBYTE + 1))
    chunked = await acme_client.post(path, content=in_chunks(MEBIBYTE + 1))
    lying = await acme_client.post(path, content=in_chunks(MEBIBYTE + 1), headers={"content-length": "2"})

    for answer in (declared, chunked, lying):
        assert answer.status_code == httpx.codes.REQUEST_ENTITY_TOO_LARGE
        assert answer.json()["code"] == "body_too_large"
    assert await contents(owner) == before


async def test_a_declared_length_is_believed_before_a_byte_is_read(acme_client: httpx.AsyncClient) -> None:
    """
    Who announces too much is refused at once, even when what follows is short.
    """
    answers = [
        await acme_client.post(STORE, content=in_chunks(2), headers={"content-length": length})
        for length in (str(MEBIBYTE + 1), "9" * 5_000)
    ]

    assert {answer.status_code for answer in answers} == {httpx.codes.REQUEST_ENTITY_TOO_LARGE}


async def test_a_repeated_idempotency_key_header_is_refused(
    acme_client: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    """
    Two Idempotency-Key headers are a 422: which one counts must not depend on who reads it.
    """
    before = await contents(owner)

    headers = [(b"idempotency-key", b"one"), (b"idempotency-key", b"two"), (b"content-type", b"application/json")]
    request = httpx.Request("POST", f"http://api.test{ONBOARD}", headers=headers, json={"email": "new@example.com"})
    answer = await acme_client.send(request)

    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_invalid")
    assert await contents(owner) == before


@pytest.mark.parametrize("opening", [b"[", b'{"x":'])
async def test_no_depth_of_nesting_breaks_the_service(acme_client: httpx.AsyncClient, opening: bytes) -> None:
    """
    Whatever the depth, also right where reading is just possible, data is stored or refused.
    """
    closing = {b"[": b"]", b'{"x":': b"}"}[opening]
    body = b'{"phase":"scan","repo":"acme/shop","commitSha":"deep","data":{"x":%s1%s}}'
    depths = itertools.chain(range(1, 900, 100), range(900, 1_000), (2_000, 5_000, 100_000))

    answers = [await acme_client.post(STORE, content=body % (opening * depth, closing * depth)) for depth in depths]

    assert {answer.status_code for answer in answers} == {httpx.codes.OK, httpx.codes.BAD_REQUEST}


async def test_what_only_looks_bad_is_served(acme_client: httpx.AsyncClient) -> None:
    """
    An escaped backslash before u0000, a type with parameters, no type at all, and any surrogate pair are fine.
    """
    as_json = {"content-type": "Application/JSON; charset=utf-8"}
    as_problem = {"content-type": "application/vnd.acme+json"}
    words = b'{"phase":"scan","repo":"acme/shop","commitSha":"c","data":{"x":"\\\\u0000 \\ud83d\\ude00"}}'

    answers = [
        await acme_client.post(STORE, content=words),
        await acme_client.post(STORE, content=words, headers=as_json),
        await acme_client.post(STORE, content=words, headers=as_problem),
        await acme_client.post(STORE, json=result("scan", note="DROP TABLE fixes; -- <script> ${jndi:x} %s {0}")),
        await acme_client.post(
            STORE, json=fix(2**31 - 1) | {"repo": f"{'a' * 100}/{'b' * 100}", "commitSha": "c" * 100}
        ),
    ]

    assert [answer.status_code for answer in answers] == [httpx.codes.OK] * 5


async def test_a_body_of_exactly_a_mebibyte_is_stored(acme_client: httpx.AsyncClient) -> None:
    """
    The limit itself is still allowed.
    """
    frame = b'{"phase":"scan","repo":"acme/shop","commitSha":"large","data":{"x":"%s"}}'
    body = frame % (b"x" * (MEBIBYTE - len(frame) + 2))

    answer = await acme_client.post(STORE, content=body)

    assert len(body) == MEBIBYTE
    assert answer.status_code == httpx.codes.OK
