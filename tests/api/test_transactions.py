"""
GET /api/v1/billing/transactions.
"""

import asyncpg
import httpx
import pytest

from api.wire import TRANSACTIONS, billing_of, fix, usage_of
from factories.customers import give_credits
from rsolv.db import Database


async def pages_of(client: httpx.AsyncClient, *, limit: int) -> list[list[dict[str, object]]]:
    """
    Follow the cursor from the newest page to the last.
    """
    pages = []
    parameters: dict[str, str | int] = {"limit": limit}
    while True:
        answer = await client.get(TRANSACTIONS, params=parameters)
        assert answer.status_code == httpx.codes.OK, answer.text
        pages.append(answer.json()["transactions"])
        if answer.json()["next_cursor"] is None:
            return pages
        parameters["cursor"] = answer.json()["next_cursor"]


@pytest.fixture
async def busy_client(
    acme_client: httpx.AsyncClient, owner: asyncpg.Connection, database: Database
) -> httpx.AsyncClient:
    """
    Acme after six more moves of the credits, so that there are seven.
    """
    customer_id = await owner.fetchval("SELECT id FROM customers")
    for _ in range(6):
        async with database.transaction() as connection:
            await give_credits(connection, customer_id=customer_id, credits=2)
    return acme_client


@pytest.mark.parametrize(("limit", "sizes"), [(1, [1] * 7), (3, [3, 3, 1]), (6, [6, 1]), (7, [7]), (100, [7])])
async def test_the_cursor_gives_each_transaction_once(
    busy_client: httpx.AsyncClient, limit: int, sizes: list[int]
) -> None:
    """
    Page by page every transaction comes exactly once, newest first, and the last page has no cursor.
    """
    pages = await pages_of(busy_client, limit=limit)

    transactions = [one for page in pages for one in page]
    assert [len(page) for page in pages] == sizes
    assert len({one["id"] for one in transactions}) == 7
    assert [one["balance_after"] for one in transactions] == sorted(
        (one["balance_after"] for one in transactions), reverse=True
    )


async def test_a_move_in_between_neither_repeats_nor_hides(busy_client: httpx.AsyncClient) -> None:
    """
    A transaction that arrives while somebody pages changes none of the older pages.
    """
    undisturbed = [one for page in await pages_of(busy_client, limit=3) for one in page]
    first = (await busy_client.get(TRANSACTIONS, params={"limit": 3})).json()

    await billing_of(busy_client, fix(1))
    rest = (await busy_client.get(TRANSACTIONS, params={"limit": 100, "cursor": first["next_cursor"]})).json()

    assert first["transactions"] + rest["transactions"] == undisturbed


async def test_twenty_transactions_make_a_page_unless_asked_otherwise(
    acme_client: httpx.AsyncClient, owner: asyncpg.Connection, database: Database
) -> None:
    """
    Without a limit a page has at most twenty, and a cursor when there are more.
    """
    customer_id = await owner.fetchval("SELECT id FROM customers")
    async with database.transaction() as connection:
        for _ in range(20):
            await give_credits(connection, customer_id=customer_id, credits=1)

    answer = (await acme_client.get(TRANSACTIONS)).json()

    assert len(answer["transactions"]) == 20
    assert answer["next_cursor"] is not None


async def test_the_transactions_explain_the_balance(busy_client: httpx.AsyncClient) -> None:
    """
    The amounts add up to the balance, and each balance_after follows from the one before.
    """
    await billing_of(busy_client, fix(1))

    transactions = (await busy_client.get(TRANSACTIONS, params={"limit": 100})).json()["transactions"]

    amounts = [one["amount"] for one in reversed(transactions)]
    running = [sum(amounts[: index + 1]) for index in range(len(amounts))]
    assert [one["balance_after"] for one in reversed(transactions)] == running
    assert running[-1] == (await usage_of(busy_client))["credit_balance"]


@pytest.mark.parametrize("cursor", ["0", "1", "9223372036854775807"])
async def test_a_cursor_at_either_end_is_answered(acme_client: httpx.AsyncClient, cursor: str) -> None:
    """
    A cursor before the oldest transaction gives an empty page, one beyond the newest all of them.
    """
    answer = await acme_client.get(TRANSACTIONS, params={"cursor": cursor})

    assert answer.status_code == httpx.codes.OK
    assert answer.json()["next_cursor"] is None
