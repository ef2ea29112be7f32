"""
Taking credits of one grant back, in parts, and giving them back.
"""

import asyncio

import asyncpg
import pytest

from factories.ledger import give, new_cause, open_ledger, read_books, spend, undo
from rsolv import ledger
from rsolv.db import Connection, Database

SOURCE = "refund_reversal"


async def take(
    connection: Connection, customer_id: int, granted: ledger.Posted, due: int, cause: ledger.Cause | None = None
) -> ledger.TakenBack:
    """
    Take credits of a grant back.
    """
    return await ledger.take_back(
        connection,
        customer_id=customer_id,
        grant_posting_id=granted.posting_id,
        credits_due=due,
        source=SOURCE,
        cause=cause or new_cause("refund"),
    )


async def give_back(
    connection: Connection, customer_id: int, granted: ledger.Posted, credits: int, cause: ledger.Cause | None = None
) -> ledger.Posted:
    """
    Give what was taken back to the grant.
    """
    return await ledger.give_back(
        connection,
        customer_id=customer_id,
        grant_posting_id=granted.posting_id,
        credits=credits,
        source=SOURCE,
        cause=cause or new_cause("refund"),
    )


async def test_credits_are_taken_from_their_own_grant_in_parts(connection: Connection, acme: int) -> None:
    """
    Others are not touched for it.
    """
    granted = await give(connection, customer_id=acme, credits=5)
    await give(connection, customer_id=acme, credits=4)

    first, second = await take(connection, acme, granted, 2), await take(connection, acme, granted, 1)

    books = await read_books(connection, customer_id=acme)
    assert [(each.credits, each.shortfall_credits) for each in (first, second)] == [(2, 0), (1, 0)]
    assert books.remaining() == [2, 4]
    assert books.sums() == books.balances() == {"available": 6, "issued": -9, "reversed": 3}


async def test_what_is_spent_is_the_shortfall(connection: Connection, acme: int) -> None:
    """
    As much is taken as is there.
    """
    granted = await give(connection, customer_id=acme, credits=5)
    await spend(connection, customer_id=acme, credits=3)

    taken = await take(connection, acme, granted, 4)

    assert (taken.credits, taken.shortfall_credits) == (2, 2)
    assert await ledger.balance(connection, customer_id=acme) == 0


@pytest.mark.parametrize("due", [0, 3])
async def test_nothing_to_take_posts_nothing(connection: Connection, acme: int, due: int) -> None:
    """
    All that was due is short; it is no error.
    """
    granted = await give(connection, customer_id=acme, credits=5)
    await spend(connection, customer_id=acme, credits=5)
    before = await read_books(connection, customer_id=acme)

    taken = await take(connection, acme, granted, due)

    assert taken == ledger.TakenBack(posting_id=None, credits=0, shortfall_credits=due)
    assert await read_books(connection, customer_id=acme) == before


async def test_a_repeat_takes_and_gives_nothing_more(connection: Connection, acme: int) -> None:
    """
    It answers as the first did.
    """
    granted = await give(connection, customer_id=acme, credits=5)
    taking, giving = new_cause("refund"), new_cause("refund")
    taken, given = (
        await take(connection, acme, granted, 4, taking),
        await give_back(connection, acme, granted, 1, giving),
    )
    before = await read_books(connection, customer_id=acme)

    again = await take(connection, acme, granted, 4, taking), await give_back(connection, acme, granted, 1, giving)

    assert (again[0].posting_id, again[0].credits, again[0].repeated) == (taken.posting_id, 4, True)
    assert (again[1].posting_id, again[1].repeated) == (given.posting_id, True)
    assert await read_books(connection, customer_id=acme) == before


async def test_what_was_taken_in_part_is_given_back_exactly(connection: Connection, acme: int) -> None:
    """
    By its own verb, and by reversing the posting that took it, which a reversed grant does not stand in the way of.
    """
    granted = await give(connection, customer_id=acme, credits=5)
    before = await read_books(connection, customer_id=acme)
    first, second = await take(connection, acme, granted, 2), await take(connection, acme, granted, 1)
    assert first.posting_id is not None
    assert second.posting_id is not None

    await undo(connection, customer_id=acme, posting_id=first.posting_id)
    await give_back(connection, acme, granted, 1)

    books = await read_books(connection, customer_id=acme)
    assert books.remaining() == before.remaining()
    assert books.balances() == before.balances()
    with pytest.raises(ledger.AlreadyReversed):
        await undo(connection, customer_id=acme, posting_id=first.posting_id)


async def test_a_grant_that_was_taken_back_in_part_can_still_be_reversed(connection: Connection, acme: int) -> None:
    """
    What is left of it goes too.
    """
    granted = await give(connection, customer_id=acme, credits=5)
    await take(connection, acme, granted, 2)

    undone = await undo(connection, customer_id=acme, posting_id=granted.posting_id)

    assert (undone.credits, undone.balance_after) == (-3, 0)


async def test_no_more_is_given_back_than_is_missing(connection: Connection, acme: int) -> None:
    """
    That would be a mistake of ours; the database refuses it too.
    """
    granted = await give(connection, customer_id=acme, credits=5)
    await take(connection, acme, granted, 2)

    with pytest.raises(AssertionError):
        await give_back(connection, acme, granted, 3)


async def test_a_grant_of_somebody_else_is_unknown(connection: Connection, acme: int) -> None:
    """
    Nor is a posting that granted nothing a grant.
    """
    globex = await open_ledger(connection)
    theirs = await give(connection, customer_id=globex, credits=5)
    await give(connection, customer_id=acme, credits=5)
    spent = await spend(connection, customer_id=acme, credits=1)

    for posting in (theirs, spent):
        with pytest.raises(ledger.UnknownPosting):
            await take(connection, acme, posting, 1)
    with pytest.raises(ledger.UnknownPosting):
        await ledger.get_remaining(connection, customer_id=acme, grant_posting_id=theirs.posting_id)


async def test_a_cause_that_did_something_else_is_refused(connection: Connection, acme: int) -> None:
    """
    A cause posts once for ever.
    """
    cause = new_cause()
    granted = await give(connection, customer_id=acme, credits=5, cause=cause)

    with pytest.raises(ledger.CauseReused):
        await take(connection, acme, granted, 1, cause)


async def test_of_twenty_at_once_what_is_there_is_taken_once(database: Database) -> None:
    """
    Each takes one of five; fifteen fall short.
    """
    async with database.transaction() as connection:
        customer_id = await open_ledger(connection)
        granted = await give(connection, customer_id=customer_id, credits=5)

    async def once() -> int:
        async with database.transaction() as connection:
            return (await take(connection, customer_id, granted, 1)).credits

    taken = await asyncio.gather(*(once() for _ in range(20)))

    async with database.reading() as connection:
        assert sum(taken) == 5
        assert await ledger.balance(connection, customer_id=customer_id) == 0
        assert ledger.breached(await ledger.verify(connection)) == []


async def test_the_database_refuses_a_bucket_above_what_was_granted(connection: asyncpg.Connection, acme: int) -> None:
    """
    Also when the code is bypassed.
    """
    granted = await give(connection, customer_id=acme, credits=5)

    with pytest.raises(asyncpg.CheckViolationError, match="remaining_within"):
        async with connection.transaction():
            await connection.execute(
                """
                WITH posting AS (
                    INSERT INTO ledger_postings (customer_id, cause_kind, cause_id, leg, source)
                    VALUES ($1, 'refund', 'too_much', 'main', 'refund_reversal') RETURNING id
                )
                INSERT INTO ledger_entries (customer_id, posting_id, account_id, grant_id, amount)
                SELECT $1, posting.id, a.id, g.id, 1 FROM posting, ledger_accounts a, ledger_grants g
                WHERE a.customer_id = $1 AND a.kind = 'available' AND g.customer_id = $1 AND g.posting_id = $2
                """,
                acme,
                granted.posting_id,
            )
