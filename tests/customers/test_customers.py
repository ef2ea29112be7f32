"""
Customers as stored: unique by address, found by id and by address, listed in pages.
"""

from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from rsolv import customers
from rsolv.customers import queries
from rsolv.db import Connection, Database
from rsolv.kernel.errors import DomainError

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def new_customer(email: str) -> customers.NewCustomer:
    return customers.checked_new_customer(
        email=email,
        name=None,
        acquisition=customers.Acquisition(source="early_access", utm_source="letter"),
        policy=customers.EmailPolicy(example_domains_allowed=True),
    )


async def create(connection: Connection, email: str) -> customers.Customer:
    return await customers.create_customer(
        connection, new_customer(email), plan="trial", auto_provisioned=True, now=NOW
    )


async def test_a_new_customer_is_stored_as_answered(connection: Connection) -> None:
    """
    What is read later equals what was answered at once.
    """
    made = await create(connection, "ada@example.com")

    assert await customers.get_customer(connection, customer_id=made.id) == made
    assert (made.email, made.name, made.source, made.created_at) == ("ada@example.com", "ada", "early_access", NOW)
    campaign = await connection.fetchrow("SELECT utm_source, utm_medium FROM customers WHERE id = $1", made.id)
    assert tuple(campaign) == ("letter", None)


@pytest.mark.parametrize("spelling", ["ada@example.com", "ADA@example.com", "ada@EXAMPLE.com"])
async def test_an_address_belongs_to_one_customer_however_it_is_spelled(connection: Connection, spelling: str) -> None:
    """
    The refusal names the field and nobody else's data.
    """
    await create(connection, "ada@example.com")

    with pytest.raises(customers.EmailTaken) as caught:
        await create(connection, spelling)

    assert caught.value.fields == {"email": ["has already been taken"]}
    assert "ada" not in str(caught.value)


SHARED_ADDRESSES = """
    SELECT array_agg(email_folded) FROM (
        SELECT email_folded FROM customer_emails GROUP BY email_folded HAVING count(*) > 1
    ) shared
"""


async def test_planted_without_its_constraint_an_address_gets_two_customers(owner: asyncpg.Connection) -> None:
    """
    It is the database that decides: with the key dropped, two who claim one address both get it.
    """
    await owner.execute("ALTER TABLE customer_emails DROP CONSTRAINT customer_emails_pkey")
    async with owner.transaction():
        one = await queries.insert_customer(
            owner, new_customer("ada@example.com"), plan="trial", auto_provisioned=True, created_at=NOW
        )
        claim = "INSERT INTO customer_emails (email_folded, customer_id) VALUES ('ada@example.com', $1)"
        await owner.executemany(claim, [(one,), (one,)])

    assert await owner.fetchval(SHARED_ADDRESSES) == ["ada@example.com"]


async def test_no_two_customers_share_an_address_after_a_refused_repeat(
    database: Database, owner: asyncpg.Connection
) -> None:
    """
    The check that notices the planted bug finds nothing when the code and the constraint stand.
    """
    async with database.transaction() as connection:
        await create(connection, "ada@example.com")
    with pytest.raises(customers.EmailTaken):
        async with database.transaction() as connection:
            await create(connection, "Ada@example.com")

    assert await owner.fetchval(SHARED_ADDRESSES) is None
    assert await owner.fetchval("SELECT count(*) FROM customers") == 1


@pytest.mark.parametrize("spelling", ["ada@example.com", "Ada@Example.com"])
async def test_a_customer_is_found_by_address_however_it_is_spelled(connection: Connection, spelling: str) -> None:
    """
    Operators type what they were told.
    """
    made = await create(connection, "ADA@example.com")

    assert await customers.find_by_email(connection, email=spelling) == made
    assert await customers.find_by_email(connection, email="eve@example.com") is None


async def test_an_unknown_customer_is_not_found(connection: Connection) -> None:
    """
    The error names the id that was asked for.
    """
    with pytest.raises(customers.UnknownCustomer, match="Customer 404 does not exist"):
        await customers.get_customer(connection, customer_id=404)


async def test_customers_are_listed_newest_first_in_pages(connection: Connection) -> None:
    """
    A page begins where the one before ended.
    """
    made = [(await create(connection, f"{name}@example.com")).id for name in "abc"]

    first = await customers.list_customers_for_operator(connection, limit=2)
    second = await customers.list_customers_for_operator(connection, limit=2, before_id=first[-1].id)

    assert [customer.id for customer in [*first, *second]] == made[::-1]


async def test_the_first_scan_is_noted_once(connection: Connection) -> None:
    """
    Later scans do not move it.
    """
    customer_id = (await create(connection, "ada@example.com")).id

    first = await customers.stamp_first_scan(connection, customer_id=customer_id, now=NOW)
    second = await customers.stamp_first_scan(connection, customer_id=customer_id, now=NOW + timedelta(days=1))

    stored = await customers.get_customer(connection, customer_id=customer_id)
    assert (first, second, stored.first_scan_at) == (True, False, NOW)


def test_every_refusal_of_a_customer_can_be_rendered() -> None:
    """
    They are facts with a sentence.
    """
    refusals = (customers.CustomerInvalid(), customers.EmailTaken(), customers.UnknownCustomer(customer=7))

    assert all(isinstance(refusal, DomainError) and str(refusal) for refusal in refusals)
