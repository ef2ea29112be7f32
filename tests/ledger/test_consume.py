"""
Consuming credits.
"""

import pytest

from factories.ledger import NOW, give, new_cause, read_books, spend
from rsolv import ledger
from rsolv.db import Connection


async def test_a_consumption_moves_credits_from_available_to_consumed(connection: Connection, acme: int) -> None:
    """
    One credit leaves available and arrives in consumed; the answer says what is left.
    """
    await give(connection, customer_id=acme, credits=5)

    posted = await spend(connection, customer_id=acme, credits=1)

    books = await read_books(connection, customer_id=acme)
    assert (posted.credits, posted.balance_after, posted.repeated) == (-1, 4, False)
    assert books.balances() == {"available": 4, "consumed": 1, "issued": -5}
    assert books.remaining() == [4]


async def test_the_last_credit_can_be_consumed(connection: Connection, acme: int) -> None:
    """
    A balance may come to nothing.
    """
    await give(connection, customer_id=acme, credits=2)

    posted = await spend(connection, customer_id=acme, credits=2)

    assert posted.balance_after == 0


@pytest.mark.parametrize("given", [1, 2], ids=["one-short", "one-short-of-three"])
async def test_a_consumption_is_refused_when_short_and_leaves_no_trace(
    connection: Connection, acme: int, given: int
) -> None:
    """
    Too few credits are a refusal that says both figures; neither posting nor entry nor sequence number remains.
    """
    await give(connection, customer_id=acme, credits=given)
    before = await read_books(connection, customer_id=acme)

    with pytest.raises(ledger.InsufficientCredits) as refused:
        await spend(connection, customer_id=acme, credits=given + 1)

    assert refused.value.facts == {"needed": given + 1, "spendable": given}
    assert await read_books(connection, customer_id=acme) == before


async def test_an_empty_ledger_refuses_and_says_nothing_can_be_spent(connection: Connection, acme: int) -> None:
    """
    A customer who was never granted anything has nothing to spend.
    """
    with pytest.raises(ledger.InsufficientCredits) as refused:
        await spend(connection, customer_id=acme, credits=1)

    assert refused.value.facts == {"needed": 1, "spendable": 0}


async def test_a_repeated_consumption_charges_once_and_says_the_same(connection: Connection, acme: int) -> None:
    """
    The same cause consumes once; the repeat hears the first answer, even after more was granted.
    """
    cause = new_cause("fix")
    await give(connection, customer_id=acme, credits=5)
    first = await spend(connection, customer_id=acme, credits=2, cause=cause)
    await give(connection, customer_id=acme, credits=60)
    before = await read_books(connection, customer_id=acme)

    again = await spend(connection, customer_id=acme, credits=2, cause=cause)

    assert again == ledger.Posted(first.posting_id, -2, 3, repeated=True)
    assert await read_books(connection, customer_id=acme) == before


async def test_a_repeat_is_recognised_when_nothing_is_left(connection: Connection, acme: int) -> None:
    """
    What was paid with the last credit stays paid: the repeat is no refusal.
    """
    cause = new_cause("fix")
    await give(connection, customer_id=acme, credits=1)
    first = await spend(connection, customer_id=acme, credits=1, cause=cause)

    again = await spend(connection, customer_id=acme, credits=1, cause=cause)

    assert (again.posting_id, again.repeated) == (first.posting_id, True)


async def test_a_refused_cause_may_try_again(connection: Connection, acme: int) -> None:
    """
    A refusal does not use the cause up: once there are credits it consumes.
    """
    cause = new_cause("fix")
    with pytest.raises(ledger.InsufficientCredits):
        await spend(connection, customer_id=acme, credits=1, cause=cause)

    await give(connection, customer_id=acme, credits=1)
    posted = await spend(connection, customer_id=acme, credits=1, cause=cause)

    assert (posted.credits, posted.repeated) == (-1, False)


async def test_a_cause_cannot_consume_another_figure(connection: Connection, acme: int) -> None:
    """
    A cause that consumed two is refused when it comes back for three, and nothing is written.
    """
    cause = new_cause()
    await give(connection, customer_id=acme, credits=9)
    await spend(connection, customer_id=acme, credits=2, cause=cause)
    before = await read_books(connection, customer_id=acme)

    with pytest.raises(ledger.CauseReused):
        await spend(connection, customer_id=acme, credits=3, cause=cause)

    assert await read_books(connection, customer_id=acme) == before


async def test_a_cause_that_granted_cannot_consume(connection: Connection, acme: int) -> None:
    """
    A cause is one thing for ever: what granted two credits does not consume two.
    """
    cause = new_cause()
    await give(connection, customer_id=acme, credits=2, cause=cause)

    with pytest.raises(ledger.CauseReused):
        await spend(connection, customer_id=acme, credits=2, cause=cause)


async def test_the_entries_of_consumptions_sum_to_the_balances(connection: Connection, acme: int) -> None:
    """
    Every balance is the sum of its entries, and each consumption's entries sum to zero.
    """
    await give(connection, customer_id=acme, credits=5)
    await give(connection, customer_id=acme, credits=5)

    await spend(connection, customer_id=acme, credits=7)

    books = await read_books(connection, customer_id=acme)
    assert books.sums() == books.balances()
    assert [entry["balance_after"] for entry in books.entries if entry["grant_id"]] == [5, 10, 5, 3]


async def test_a_consumption_keeps_what_it_was_decided_from(connection: Connection, acme: int) -> None:
    """
    The posting row names the key that reported the work and what the caller wrote down about it.
    """
    await give(connection, customer_id=acme, credits=1)

    posted = await ledger.consume(
        connection,
        customer_id=acme,
        credits=1,
        cause=ledger.Cause("fix", "77"),
        now=NOW,
        basis=ledger.Basis(api_key_id=4),
        metadata={"repository": "acme/shop"},
    )

    [newest, _] = await ledger.list_credit_transactions(connection, customer_id=acme, limit=5)
    posting = (await read_books(connection, customer_id=acme)).postings[-1]
    assert (posting["id"], posting["cause_id"], posting["api_key_id"]) == (posted.posting_id, "77", 4)
    assert (newest.source, newest.metadata) == ("consumed", {"repository": "acme/shop"})


@pytest.mark.parametrize("credits", [0, -1])
async def test_a_consumption_of_nothing_is_a_mistake_of_ours(connection: Connection, acme: int, credits: int) -> None:
    """
    Consuming no credits, or fewer, is refused before anything is asked of the database.
    """
    with pytest.raises(AssertionError, match="at least one credit"):
        await spend(connection, customer_id=acme, credits=credits)
