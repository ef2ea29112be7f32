"""
Repeating a sign-up under one Idempotency-Key.
"""

import asyncio

import asyncpg
import httpx
import pytest

from api.wire import ONBOARD, all_at_once, contents, until_waiting_for
from rsolv.db import Database
from rsolv.idempotency import purge_expired

ADA = {"email": "ada@example.com", "name": "Ada"}
KEY = {"idempotency-key": "0f8fad5b-d9cb-469f-a165-70867728950e"}


async def test_a_repeat_gets_the_first_answer_byte_for_byte(
    client: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    """
    Status and body are those of the first, key included; the header says that it is a replay; nothing is written.
    """
    first = await client.post(ONBOARD, json=ADA, headers=KEY)
    before = await contents(owner)

    repeats = [await client.post(ONBOARD, json=ADA, headers=KEY) for _ in range(3)]

    assert first.status_code == httpx.codes.CREATED
    assert "idempotency-replayed" not in first.headers
    for repeat in repeats:
        assert (repeat.status_code, repeat.content) == (first.status_code, first.content)
        assert repeat.headers["idempotency-replayed"] == "true"
    assert await contents(owner) == before


async def test_a_repeat_in_other_spacing_is_a_repeat(client: httpx.AsyncClient) -> None:
    """
    What counts is what was asked: order and spacing of the JSON do not.
    """
    first = await client.post(ONBOARD, json=ADA, headers=KEY)

    repeat = await client.post(ONBOARD, content=b' { "name":"Ada",\n"email" : "ada@example.com" } ', headers=KEY)

    assert repeat.content == first.content


@pytest.mark.parametrize("change", [{"email": "eve@example.com"}, {"name": "Eve"}, {"utm_source": "news"}])
async def test_the_same_key_with_another_body_is_refused(
    client: httpx.AsyncClient, owner: asyncpg.Connection, change: dict[str, str]
) -> None:
    """
    A key is for one request; another under it is a 422 that shows nothing of the first.
    """
    first = await client.post(ONBOARD, json=ADA, headers=KEY)
    before = await contents(owner)

    other = await client.post(ONBOARD, json=ADA | change, headers=KEY)

    assert other.status_code == httpx.codes.UNPROCESSABLE_ENTITY
    assert other.json()["code"] == "idempotency_key_reused"
    assert set(other.json()["errors"]) == {"Idempotency-Key"}
    assert first.json()["api_key"] not in other.text
    assert await contents(owner) == before


async def test_another_key_is_another_request(client: httpx.AsyncClient) -> None:
    """
    The same sign-up under another key is a second sign-up, so the address is taken.
    """
    await client.post(ONBOARD, json=ADA, headers=KEY)

    other = await client.post(ONBOARD, json=ADA, headers={"idempotency-key": "another"})

    assert other.json()["code"] == "email_taken"


async def test_without_a_key_nothing_is_remembered(client: httpx.AsyncClient, owner: asyncpg.Connection) -> None:
    """
    The header is optional; without it no answer is kept.
    """
    await client.post(ONBOARD, json=ADA)

    assert await owner.fetchval("SELECT count(*) FROM idempotent_answers") == 0


async def test_a_refused_request_is_not_remembered(client: httpx.AsyncClient, owner: asyncpg.Connection) -> None:
    """
    After a refusal the same key may be used with a corrected body.
    """
    await client.post(ONBOARD, json=ADA)

    refused = await client.post(ONBOARD, json=ADA, headers=KEY)
    corrected = await client.post(ONBOARD, json=ADA | {"email": "grace@example.com"}, headers=KEY)

    assert refused.json()["code"] == "email_taken"
    assert corrected.status_code == httpx.codes.CREATED


@pytest.mark.parametrize("key", [b"", b"x" * 256, b"two words", b"schl\xfcssel", b"schl\xc3\xbcssel", b"tab\there"])
async def test_a_key_that_is_none_is_refused(client: httpx.AsyncClient, owner: asyncpg.Connection, key: bytes) -> None:
    """
    A key that is empty, too long or not visible ASCII is a 422 naming the header, and nobody signs up.
    """
    before = await contents(owner)

    answer = await client.post(ONBOARD, json=ADA, headers={"idempotency-key": key})

    assert answer.status_code == httpx.codes.UNPROCESSABLE_ENTITY
    assert answer.json()["code"] == "idempotency_key_invalid"
    assert set(answer.json()["errors"]) == {"Idempotency-Key"}
    assert await contents(owner) == before


async def test_a_repeat_while_the_first_runs_is_told_when_to_come_again(
    client: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    """
    While the first request still holds the key, a repeat is a 409 with Retry-After; then it gets the first answer.
    """
    async with owner.transaction():
        await owner.execute("LOCK TABLE customer_emails IN ACCESS EXCLUSIVE MODE")
        first = asyncio.create_task(client.post(ONBOARD, json=ADA, headers=KEY))
        await until_waiting_for(owner, "customer_emails", statements=1)
        early = await client.post(ONBOARD, json=ADA, headers=KEY)
    answer = await first
    late = await client.post(ONBOARD, json=ADA, headers=KEY)

    assert (early.status_code, early.json()["code"]) == (httpx.codes.CONFLICT, "request_in_progress")
    assert early.headers["retry-after"] == "1"
    assert answer.status_code == httpx.codes.CREATED
    assert late.content == answer.content


def told_otherwise(answers: list[httpx.Response]) -> list[httpx.Response]:
    """
    Pick the answers that are neither the one success, byte for byte, nor the advice to come again.
    """
    bodies = [answer.content for answer in answers if answer.status_code == httpx.codes.CREATED]
    return [
        answer
        for answer in answers
        if answer.status_code != httpx.codes.CONFLICT and (answer.content != bodies[0] or len(set(bodies)) > 1)
    ]


async def test_eight_duplicates_at_once_make_one_customer(client: httpx.AsyncClient, owner: asyncpg.Connection) -> None:
    """
    Of eight parallel duplicates one signs up; the others get its answer or a 409, and its answer when they repeat.
    """
    answers = await all_at_once(client.post(ONBOARD, json=ADA, headers=KEY) for _ in range(8))
    repeats = await all_at_once(client.post(ONBOARD, json=ADA, headers=KEY) for _ in range(1))

    assert told_otherwise(answers + repeats) == []
    assert repeats[0].status_code == httpx.codes.CREATED
    assert await owner.fetchval("SELECT count(*) FROM customers") == 1
    assert await owner.fetchval("SELECT count(*) FROM api_keys") == 1


async def test_the_check_of_duplicates_notices_a_repeat_that_is_not_recognised(client: httpx.AsyncClient) -> None:
    """
    Planted: eight with a key each are no repeats of one another, and all but one are told that the address is taken.
    """
    answers = await all_at_once(
        client.post(ONBOARD, json=ADA, headers={"idempotency-key": f"key-{number}"}) for number in range(8)
    )

    assert len(told_otherwise(answers)) == 7


async def test_after_a_day_the_answer_is_gone_and_the_customer_is_not(
    client: httpx.AsyncClient, owner: asyncpg.Connection, database: Database
) -> None:
    """
    When its time is over the answer is not replayed; the address keeps the sign-up unique all the same.
    """
    await client.post(ONBOARD, json=ADA, headers=KEY)
    await owner.execute("UPDATE idempotent_answers SET expires_at = expires_at - interval '24 hours'")

    late = await client.post(ONBOARD, json=ADA, headers=KEY)

    assert late.json()["code"] == "email_taken"
    assert await purge_expired(database) == 1
    assert await owner.fetchval("SELECT count(*) FROM idempotent_answers") == 0
    assert await owner.fetchval("SELECT count(*) FROM customers") == 1
