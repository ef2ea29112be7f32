"""
Sign-ups with one address at the same moment, over real connections and committed.
"""

import asyncio
from collections import Counter

import asyncpg
import httpx

from api.wire import ONBOARD, all_at_once, contents, until_waiting_for
from rsolv.db import Database

SPELLINGS = ("ada@example.com", "Ada@Example.com")


async def customers_of_an_address(owner: asyncpg.Connection) -> int:
    """
    Count who has the address, however it is spelled.
    """
    return int(await owner.fetchval("SELECT count(*) FROM customers WHERE lower(email) = 'ada@example.com'"))


async def test_of_two_signups_with_one_address_one_wins(client: httpx.AsyncClient, owner: asyncpg.Connection) -> None:
    """
    Both arrive at the address together: one is 201, the other a 422, and nothing of the loser is left.
    """
    async with owner.transaction():
        await owner.execute("LOCK TABLE customer_emails IN ACCESS EXCLUSIVE MODE")
        both = asyncio.create_task(all_at_once(client.post(ONBOARD, json={"email": email}) for email in SPELLINGS))
        await until_waiting_for(owner, "customer_emails", statements=2)
    answers = await both

    assert sorted(answer.status_code for answer in answers) == [201, 422]
    assert [answer.json()["code"] for answer in answers if answer.status_code == 422] == ["email_taken"]
    assert await customers_of_an_address(owner) == 1
    written = await contents(owner)
    assert [written[table][0] for table in ("customers", "api_keys", "catalog_pins", "ledger_grants")] == [1] * 4


async def test_of_twenty_signups_with_one_address_one_wins(
    client: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    """
    However many there are, one customer comes of them.
    """
    answers = await all_at_once(client.post(ONBOARD, json={"email": "ada@example.com"}) for _ in range(20))

    assert Counter(answer.status_code for answer in answers) == {201: 1, 422: 19}
    assert await customers_of_an_address(owner) == 1


async def test_signups_with_different_addresses_do_not_hinder_each_other(
    client: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    """
    Twenty people at once become twenty customers with a key each.
    """
    answers = await all_at_once(client.post(ONBOARD, json={"email": f"p{number}@example.com"}) for number in range(20))

    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["api_key"] for answer in answers}) == 20
    assert await owner.fetchval("SELECT count(*) FROM customers") == 20


async def sign_up_by_looking_first(database: Database, looked: asyncio.Barrier) -> None:
    """
    Planted: look whether the address is free, then take it.
    """
    async with database.transaction() as connection:
        taken = await connection.fetchval("SELECT count(*) FROM customer_emails")
        await looked.wait()
        if not taken:
            customer_id = await connection.fetchval(
                """
                INSERT INTO customers (name, email, subscription_type, source, auto_provisioned, created_at)
                VALUES ('Ada', 'ada@example.com', 'trial', 'direct', true, now()) RETURNING id
                """
            )
            await connection.execute("INSERT INTO customer_emails VALUES ('ada@example.com', $1)", customer_id)


async def test_the_count_notices_an_address_taken_twice(database: Database, owner: asyncpg.Connection) -> None:
    """
    Planted: without the primary key, two who look first both take the address, and the count says two.
    """
    await owner.execute("ALTER TABLE customer_emails DROP CONSTRAINT customer_emails_pkey")
    looked = asyncio.Barrier(2)

    await asyncio.gather(*(sign_up_by_looking_first(database, looked) for _ in range(2)))

    assert await customers_of_an_address(owner) == 2


async def test_the_primary_key_stops_even_who_looks_first(database: Database, owner: asyncpg.Connection) -> None:
    """
    With the constraint in place the same careless code fails for one of the two, and one customer remains.
    """
    looked = asyncio.Barrier(2)

    outcomes = await asyncio.gather(
        *(sign_up_by_looking_first(database, looked) for _ in range(2)), return_exceptions=True
    )

    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["NoneType", "UniqueViolationError"]
    assert await customers_of_an_address(owner) == 1
