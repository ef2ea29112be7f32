"""
Granting credits.
"""

from datetime import timedelta

import asyncpg
import msgspec
import pytest

from factories.ledger import NOW, give, new_cause, read_books, spend
from rsolv import ledger
from rsolv.db import Connection


async def test_a_grant_moves_credits_from_issued_to_available(connection: Connection, acme: int) -> None:
    """
    The credits appear in available, in a bucket of their own, and issued owes them.
    """
    posted = await give(connection, customer_id=acme, credits=5)

    books = await read_books(connection, customer_id=acme)
    assert (posted.credits, posted.balance_after, posted.repeated) == (5, 5, False)
    assert books.balances() == {"available": 5, "issued": -5}
    assert books.remaining() == [5]


async def test_grants_add_up_and_each_keeps_its_own_bucket(connection: Connection, acme: int) -> None:
    """
    A second grant says the balance of both and leaves the first bucket alone.
    """
    await give(connection, customer_id=acme, credits=5)
    posted = await give(connection, customer_id=acme, credits=60)

    assert posted.balance_after == 65
    assert (await read_books(connection, customer_id=acme)).remaining() == [5, 60]


async def test_the_entries_of_grants_sum_to_the_balances(connection: Connection, acme: int) -> None:
    """
    Every balance is the sum of its entries, and a grant's entries sum to zero.
    """
    await give(connection, customer_id=acme, credits=5)
    await give(connection, customer_id=acme, credits=60)

    books = await read_books(connection, customer_id=acme)
    assert books.sums() == books.balances()
    assert sum(entry["amount"] for entry in books.entries) == 0


async def test_a_repeated_grant_changes_nothing_and_says_the_same(connection: Connection, acme: int) -> None:
    """
    The same cause grants once; the repeat hears the first answer, even after more has happened.
    """
    cause = new_cause("payment_method")
    first = await give(connection, customer_id=acme, credits=5, cause=cause)
    await spend(connection, customer_id=acme, credits=2)
    before = await read_books(connection, customer_id=acme)

    again = await give(connection, customer_id=acme, credits=5, cause=cause)

    assert again == ledger.Posted(first.posting_id, 5, 5, repeated=True)
    assert await read_books(connection, customer_id=acme) == before


async def test_a_cause_cannot_grant_other_credits(connection: Connection, acme: int) -> None:
    """
    A cause that granted five is refused when it comes back for six, and nothing is written.
    """
    cause = new_cause()
    await give(connection, customer_id=acme, credits=5, cause=cause)
    before = await read_books(connection, customer_id=acme)

    with pytest.raises(ledger.CauseReused, match=cause.id):
        await give(connection, customer_id=acme, credits=6, cause=cause)

    assert await read_books(connection, customer_id=acme) == before


async def test_a_cause_that_consumed_cannot_grant(connection: Connection, acme: int) -> None:
    """
    A cause is one thing for ever: what consumed two credits does not grant two.
    """
    cause = new_cause()
    await give(connection, customer_id=acme, credits=5)
    await spend(connection, customer_id=acme, credits=2, cause=cause)

    with pytest.raises(ledger.CauseReused):
        await give(connection, customer_id=acme, credits=2, cause=cause)


async def test_another_leg_of_the_same_cause_grants_too(connection: Connection, acme: int) -> None:
    """
    One cause may have several postings where each has a leg of its own.
    """
    await give(connection, customer_id=acme, credits=5, cause=ledger.Cause("invoice", "in_1"))
    await give(connection, customer_id=acme, credits=7, cause=ledger.Cause("invoice", "in_1", leg="bonus"))

    assert await ledger.balance(connection, customer_id=acme) == 12


async def test_a_grant_keeps_what_it_was_decided_from(connection: Connection, acme: int) -> None:
    """
    The posting row names the catalogue version, the price, the consent and the metadata of the decision.
    """
    posted = await ledger.grant(
        connection,
        customer_id=acme,
        credits=5,
        source="purchased",
        cause=new_cause(),
        basis=ledger.Basis(catalog_version_id=1, price_cents=3100, consent_id=9, api_key_id=4),
        metadata={"invoice": "in_1"},
    )

    [posting] = (await read_books(connection, customer_id=acme)).postings
    assert (posting["id"], posting["source"], posting["price_cents"]) == (posted.posting_id, "purchased", 3100)
    assert (posting["catalog_version_id"], posting["consent_id"], posting["api_key_id"]) == (1, 9, 4)
    assert msgspec.json.decode(posting["metadata"]) == {"invoice": "in_1"}


async def test_a_grant_from_an_unknown_source_is_refused(connection: asyncpg.Connection, acme: int) -> None:
    """
    Customers see the source, so the database knows the list.
    """
    with pytest.raises(asyncpg.CheckViolationError, match="source_known"):
        async with connection.transaction():
            await ledger.grant(connection, customer_id=acme, credits=1, source="a_friend", cause=new_cause())

    assert await ledger.balance(connection, customer_id=acme) == 0


async def test_a_grant_cannot_expire_before_it_begins(connection: asyncpg.Connection, acme: int) -> None:
    """
    A bucket that could never be spent is refused.
    """
    with pytest.raises(asyncpg.CheckViolationError, match="expire_later"):
        async with connection.transaction():
            await give(connection, customer_id=acme, credits=1, effective_at=NOW, expires_at=NOW - timedelta(days=1))

    assert (await read_books(connection, customer_id=acme)).grants == []


@pytest.mark.parametrize("credits", [0, -1])
async def test_a_grant_of_nothing_is_a_mistake_of_ours(connection: Connection, acme: int, credits: int) -> None:
    """
    Granting no credits, or fewer, is refused before anything is asked of the database.
    """
    with pytest.raises(AssertionError, match="at least one credit"):
        await give(connection, customer_id=acme, credits=credits)
