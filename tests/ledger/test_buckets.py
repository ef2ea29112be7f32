"""
Which credits are spent first, which are not spent at all, and where they return to.
"""

from datetime import timedelta

import asyncpg
import pytest

from factories.ledger import NOW, correct, give, read_books, spend, undo
from rsolv import ledger
from rsolv.db import Connection

SOON, LATER = NOW + timedelta(days=10), NOW + timedelta(days=90)
MOMENT = timedelta(microseconds=1)


async def test_the_earliest_expiry_is_spent_first_then_the_oldest(connection: Connection, acme: int) -> None:
    """
    Grants are spent in the order of their expiry, those that never expire last and among themselves by age.
    """
    await give(connection, customer_id=acme, credits=1)
    await give(connection, customer_id=acme, credits=2, expires_at=LATER)
    await give(connection, customer_id=acme, credits=3, expires_at=SOON)
    await give(connection, customer_id=acme, credits=4)

    left = []
    for credits in (1, 2, 2, 1):
        await spend(connection, customer_id=acme, credits=credits)
        left.append((await read_books(connection, customer_id=acme)).remaining())

    assert left == [[1, 2, 2, 4], [1, 2, 0, 4], [1, 0, 0, 4], [0, 0, 0, 4]]


async def test_of_two_grants_that_expire_together_the_older_is_spent_first(connection: Connection, acme: int) -> None:
    """
    Where the expiry does not decide, age does.
    """
    await give(connection, customer_id=acme, credits=3, expires_at=SOON)
    await give(connection, customer_id=acme, credits=3, expires_at=SOON)

    await spend(connection, customer_id=acme, credits=4)

    assert (await read_books(connection, customer_id=acme)).remaining() == [0, 2]


async def test_a_consumption_may_empty_several_buckets(connection: Connection, acme: int) -> None:
    """
    One posting draws on as many grants as it needs, an entry for each, and says the balance after all of them.
    """
    await give(connection, customer_id=acme, credits=2)
    await give(connection, customer_id=acme, credits=3)
    await give(connection, customer_id=acme, credits=4)

    posted = await spend(connection, customer_id=acme, credits=6)

    books = await read_books(connection, customer_id=acme)
    drawn = [entry["amount"] for entry in books.entries if entry["posting_id"] == posted.posting_id]
    assert (posted.credits, posted.balance_after) == (-6, 3)
    assert books.remaining() == [0, 0, 3]
    assert sorted(drawn) == [-3, -2, -1, 6]


async def test_expired_credits_are_not_spent(connection: Connection, acme: int) -> None:
    """
    From the moment of its expiry a grant cannot be spent, though its credits still stand in the balance.
    """
    await give(connection, customer_id=acme, credits=5, expires_at=SOON)

    with pytest.raises(ledger.InsufficientCredits) as refused:
        await spend(connection, customer_id=acme, credits=1, now=SOON)

    assert refused.value.facts == {"needed": 1, "spendable": 0}
    assert await ledger.balance(connection, customer_id=acme) == 5


async def test_credits_can_be_spent_until_the_last_moment(connection: Connection, acme: int) -> None:
    """
    A moment before its expiry a grant is as good as any other.
    """
    await give(connection, customer_id=acme, credits=5, expires_at=SOON)

    posted = await spend(connection, customer_id=acme, credits=5, now=SOON - MOMENT)

    assert posted.balance_after == 0


async def test_credits_of_the_future_are_not_spent(connection: Connection, acme: int) -> None:
    """
    Only grants in effect at the booking time of the work are spent.
    """
    await give(connection, customer_id=acme, credits=5, effective_at=SOON)

    with pytest.raises(ledger.InsufficientCredits) as refused:
        await spend(connection, customer_id=acme, credits=1, now=SOON - MOMENT)

    assert refused.value.facts == {"needed": 1, "spendable": 0}
    assert (await spend(connection, customer_id=acme, credits=1, now=SOON)).credits == -1


async def test_work_booked_late_is_paid_by_what_was_in_effect_then(connection: Connection, acme: int) -> None:
    """
    The booking time decides, not the time of collection: a grant expired since is still spent for earlier work.
    """
    await give(connection, customer_id=acme, credits=2, expires_at=SOON)
    await give(connection, customer_id=acme, credits=2, effective_at=SOON)

    await spend(connection, customer_id=acme, credits=1, now=NOW)
    await spend(connection, customer_id=acme, credits=1, now=LATER)

    assert (await read_books(connection, customer_id=acme)).remaining() == [1, 1]


async def test_an_adjustment_takes_only_what_could_be_spent(connection: Connection, acme: int) -> None:
    """
    Expired and future credits are not taken, and taking more than the rest is refused.
    """
    await give(connection, customer_id=acme, credits=5, expires_at=NOW)
    await give(connection, customer_id=acme, credits=5, effective_at=SOON)
    await give(connection, customer_id=acme, credits=2)

    with pytest.raises(ledger.InsufficientCredits):
        await correct(connection, customer_id=acme, credits=-3)
    await correct(connection, customer_id=acme, credits=-2)

    assert (await read_books(connection, customer_id=acme)).remaining() == [5, 5, 0]


async def test_a_reversed_consumption_returns_to_the_buckets_it_came_from(connection: Connection, acme: int) -> None:
    """
    Each grant gets back what was drawn from it, so that nothing expires later or earlier than it was bought to.
    """
    await give(connection, customer_id=acme, credits=2)
    await give(connection, customer_id=acme, credits=3, expires_at=SOON)
    spent = await spend(connection, customer_id=acme, credits=4)
    before = (await read_books(connection, customer_id=acme)).remaining()

    await undo(connection, customer_id=acme, posting_id=spent.posting_id)

    assert before == [1, 0]
    assert (await read_books(connection, customer_id=acme)).remaining() == [2, 3]


async def test_a_consumption_returns_to_an_expired_bucket_and_stays_unspendable(
    connection: Connection, acme: int
) -> None:
    """
    A reversal does not prolong anything: what came from a grant that has expired since is expired.
    """
    await give(connection, customer_id=acme, credits=1, expires_at=SOON)
    spent = await spend(connection, customer_id=acme, credits=1)
    await undo(connection, customer_id=acme, posting_id=spent.posting_id)

    with pytest.raises(ledger.InsufficientCredits):
        await spend(connection, customer_id=acme, credits=1, now=LATER)

    assert await ledger.balance(connection, customer_id=acme) == 1


async def test_the_database_refuses_more_in_a_bucket_than_was_granted(
    connection: asyncpg.Connection, acme: int
) -> None:
    """
    No entry can fill a grant beyond its credits, whatever the code believes.
    """
    posted = await give(connection, customer_id=acme, credits=2)

    with pytest.raises(asyncpg.CheckViolationError, match="remaining_within"):
        async with connection.transaction():
            await connection.execute(
                """
                INSERT INTO ledger_entries (customer_id, posting_id, account_id, grant_id, amount)
                SELECT customer_id, posting_id, account_id, grant_id, 1 FROM ledger_entries
                WHERE customer_id = $1 AND posting_id = $2 AND grant_id IS NOT NULL
                """,
                acme,
                posted.posting_id,
            )
