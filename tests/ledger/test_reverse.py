"""
Undoing a posting by one more posting that names it.
"""

import asyncpg
import pytest

from factories.ledger import correct, give, new_cause, open_ledger, read_books, spend, undo
from rsolv import ledger
from rsolv.db import Connection


async def test_a_reversed_consumption_flows_back(connection: Connection, acme: int) -> None:
    """
    The credits are available again, and both postings stay in the books, the second naming the first.
    """
    await give(connection, customer_id=acme, credits=5)
    spent = await spend(connection, customer_id=acme, credits=2)

    undone = await undo(connection, customer_id=acme, posting_id=spent.posting_id)

    books = await read_books(connection, customer_id=acme)
    assert (undone.credits, undone.balance_after, undone.shortfall_credits, undone.repeated) == (2, 5, 0, False)
    assert books.balances() == {"available": 5, "issued": -5}
    assert books.remaining() == [5]
    assert [posting["corrects_posting_id"] for posting in books.postings] == [None, None, spent.posting_id]


async def test_a_reversed_grant_is_taken_back(connection: Connection, acme: int) -> None:
    """
    An unspent grant goes from available to reversed whole; nothing is short.
    """
    granted = await give(connection, customer_id=acme, credits=5)

    undone = await undo(connection, customer_id=acme, posting_id=granted.posting_id)

    books = await read_books(connection, customer_id=acme)
    assert (undone.credits, undone.balance_after, undone.shortfall_credits) == (-5, 0, 0)
    assert books.balances() == {"reversed": 5, "issued": -5}
    assert books.remaining() == [0]


async def test_a_partly_spent_grant_is_taken_back_as_far_as_it_goes(connection: Connection, acme: int) -> None:
    """
    What is spent stays spent and is reported as the shortfall; other grants are not touched for it.
    """
    granted = await give(connection, customer_id=acme, credits=5)
    await spend(connection, customer_id=acme, credits=3)
    await give(connection, customer_id=acme, credits=4)

    undone = await undo(connection, customer_id=acme, posting_id=granted.posting_id)

    books = await read_books(connection, customer_id=acme)
    assert (undone.credits, undone.balance_after, undone.shortfall_credits) == (-2, 4, 3)
    assert books.balances() == {"available": 4, "consumed": 3, "reversed": 2, "issued": -9}
    assert books.remaining() == [0, 4]


async def test_a_wholly_spent_grant_has_nothing_to_take_back(connection: Connection, acme: int) -> None:
    """
    Nothing can be posted then; the caller is told and the books stay as they are.
    """
    granted = await give(connection, customer_id=acme, credits=2)
    await spend(connection, customer_id=acme, credits=2)
    before = await read_books(connection, customer_id=acme)

    with pytest.raises(ledger.AlreadyReversed):
        await undo(connection, customer_id=acme, posting_id=granted.posting_id)

    assert await read_books(connection, customer_id=acme) == before


async def test_a_reversed_adjustment_gives_back_what_was_taken(connection: Connection, acme: int) -> None:
    """
    Credits taken by mistake return from reversed into their grant.
    """
    await give(connection, customer_id=acme, credits=5)
    taken = await correct(connection, customer_id=acme, credits=-3)

    undone = await undo(connection, customer_id=acme, posting_id=taken.posting_id)

    assert (undone.credits, undone.balance_after) == (3, 5)
    assert (await read_books(connection, customer_id=acme)).balances() == {"available": 5, "issued": -5}


async def test_a_reversal_can_itself_be_reversed(connection: Connection, acme: int) -> None:
    """
    Undoing the undoing of a grant makes its credits available again.
    """
    granted = await give(connection, customer_id=acme, credits=5)
    undone = await undo(connection, customer_id=acme, posting_id=granted.posting_id)

    redone = await undo(connection, customer_id=acme, posting_id=undone.posting_id)

    assert (redone.credits, redone.balance_after) == (5, 5)


async def test_a_reversal_is_not_reversed_over_credits_spent_since(connection: Connection, acme: int) -> None:
    """
    Consuming again what had been given back is refused when it is spent, as any consumption would be.
    """
    await give(connection, customer_id=acme, credits=5)
    spent = await spend(connection, customer_id=acme, credits=4)
    undone = await undo(connection, customer_id=acme, posting_id=spent.posting_id)
    await spend(connection, customer_id=acme, credits=3)
    before = await read_books(connection, customer_id=acme)

    with pytest.raises(ledger.InsufficientCredits) as refused:
        await undo(connection, customer_id=acme, posting_id=undone.posting_id)

    assert refused.value.facts == {"needed": 4, "spendable": 2}
    assert await read_books(connection, customer_id=acme) == before


@pytest.mark.parametrize("spent_credits", [1, 4], ids=["hardly-spent", "nearly-spent"])
async def test_a_repeated_reversal_changes_nothing_and_says_the_same(
    connection: Connection, acme: int, spent_credits: int
) -> None:
    """
    The same cause reverses once; the repeat hears the first answer with its shortfall, even after more has happened.
    """
    cause = new_cause("refund")
    granted = await give(connection, customer_id=acme, credits=5)
    await spend(connection, customer_id=acme, credits=spent_credits)
    first = await undo(connection, customer_id=acme, posting_id=granted.posting_id, cause=cause)
    await give(connection, customer_id=acme, credits=9)
    before = await read_books(connection, customer_id=acme)

    again = await undo(connection, customer_id=acme, posting_id=granted.posting_id, cause=cause)

    assert again == ledger.Reversed(
        first.posting_id, first.credits, first.balance_after, first.shortfall_credits, repeated=True
    )
    assert again.shortfall_credits == spent_credits
    assert await read_books(connection, customer_id=acme) == before


async def test_a_posting_is_reversed_for_one_cause_only(connection: Connection, acme: int) -> None:
    """
    A second refund of the same thing is refused and moves nothing.
    """
    await give(connection, customer_id=acme, credits=5)
    spent = await spend(connection, customer_id=acme, credits=2)
    await undo(connection, customer_id=acme, posting_id=spent.posting_id)
    before = await read_books(connection, customer_id=acme)

    with pytest.raises(ledger.AlreadyReversed):
        await undo(connection, customer_id=acme, posting_id=spent.posting_id)

    assert await read_books(connection, customer_id=acme) == before


async def test_a_cause_cannot_reverse_two_postings(connection: Connection, acme: int) -> None:
    """
    One refund undoes one posting; with another posting it is refused.
    """
    cause = new_cause("refund")
    first = await give(connection, customer_id=acme, credits=5)
    second = await give(connection, customer_id=acme, credits=5)
    await undo(connection, customer_id=acme, posting_id=first.posting_id, cause=cause)

    with pytest.raises(ledger.CauseReused):
        await undo(connection, customer_id=acme, posting_id=second.posting_id, cause=cause)


async def test_a_cause_that_granted_cannot_reverse(connection: Connection, acme: int) -> None:
    """
    A cause that posted something which corrects nothing is not a reversal's repeat.
    """
    cause = new_cause()
    granted = await give(connection, customer_id=acme, credits=5, cause=cause)

    with pytest.raises(ledger.CauseReused):
        await undo(connection, customer_id=acme, posting_id=granted.posting_id, cause=cause)


async def test_a_posting_of_somebody_else_is_unknown(connection: Connection, acme: int) -> None:
    """
    Another customer's posting cannot be undone, nor told apart from one that never was.
    """
    globex = await open_ledger(connection)
    theirs = await give(connection, customer_id=globex, credits=5)

    with pytest.raises(ledger.UnknownPosting):
        await undo(connection, customer_id=acme, posting_id=theirs.posting_id)
    with pytest.raises(ledger.UnknownPosting):
        await undo(connection, customer_id=acme, posting_id=9_999_999)

    assert await ledger.balance(connection, customer_id=globex) == 5


async def test_the_entries_of_reversals_sum_to_the_balances(connection: Connection, acme: int) -> None:
    """
    Every balance is the sum of its entries, whatever was undone.
    """
    granted = await give(connection, customer_id=acme, credits=5)
    spent = await spend(connection, customer_id=acme, credits=2)
    await undo(connection, customer_id=acme, posting_id=spent.posting_id)
    await undo(connection, customer_id=acme, posting_id=granted.posting_id)

    books = await read_books(connection, customer_id=acme)
    assert books.sums() == books.balances() == {"reversed": 5, "issued": -5}


async def test_the_database_refuses_a_posting_that_corrects_itself(connection: asyncpg.Connection, acme: int) -> None:
    """
    A correction names an earlier posting.
    """
    with pytest.raises(asyncpg.CheckViolationError, match="not_its_own_correction"):
        async with connection.transaction():
            await connection.execute(
                """
                INSERT INTO ledger_postings (customer_id, id, cause_kind, cause_id, leg, source, corrects_posting_id)
                OVERRIDING SYSTEM VALUE VALUES ($1, 777, 'example', 'itself', 'main', 'adjustment', 777)
                """,
                acme,
            )
