"""
Correcting a balance by hand.
"""

import pytest

from factories.ledger import NOW, correct, give, new_cause, read_books, spend
from rsolv import ledger
from rsolv.db import Connection


async def test_a_positive_adjustment_gives_credits_as_a_grant(connection: Connection, acme: int) -> None:
    """
    The credits come from issued, into a bucket that never expires.
    """
    posted = await correct(connection, customer_id=acme, credits=3)

    books = await read_books(connection, customer_id=acme)
    assert (posted.credits, posted.balance_after) == (3, 3)
    assert books.balances() == {"available": 3, "issued": -3}
    assert [(grant["remaining"], grant["expires_at"]) for grant in books.grants] == [(3, None)]


async def test_a_negative_adjustment_takes_credits_into_reversed(connection: Connection, acme: int) -> None:
    """
    The credits leave the grants in the order in which they would have been spent; consumed stays what it was.
    """
    await give(connection, customer_id=acme, credits=3)
    await give(connection, customer_id=acme, credits=5)

    posted = await correct(connection, customer_id=acme, credits=-4)

    books = await read_books(connection, customer_id=acme)
    assert (posted.credits, posted.balance_after) == (-4, 4)
    assert books.balances() == {"available": 4, "reversed": 4, "issued": -8}
    assert books.remaining() == [0, 4]


async def test_an_adjustment_keeps_its_reason(connection: Connection, acme: int) -> None:
    """
    Customers and operators read in the list why their balance was corrected.
    """
    await correct(connection, customer_id=acme, credits=3)
    await correct(connection, customer_id=acme, credits=-1)

    listed = await ledger.list_credit_transactions(connection, customer_id=acme, limit=5)
    assert [(each.source, each.metadata, each.amount) for each in listed] == [
        ("adjustment", {"reason": "a mistake of ours"}, -1),
        ("adjustment", {"reason": "a mistake of ours"}, 3),
    ]


async def test_an_adjustment_is_refused_when_short_and_leaves_no_trace(connection: Connection, acme: int) -> None:
    """
    More than can be spent cannot be taken; not even the account it would go to is opened.
    """
    await give(connection, customer_id=acme, credits=3)
    before = await read_books(connection, customer_id=acme)

    with pytest.raises(ledger.InsufficientCredits) as refused:
        await correct(connection, customer_id=acme, credits=-4)

    assert refused.value.facts == {"needed": 4, "spendable": 3}
    assert await read_books(connection, customer_id=acme) == before


@pytest.mark.parametrize("credits", [2, -2], ids=["giving", "taking"])
async def test_a_repeated_adjustment_changes_nothing_and_says_the_same(
    connection: Connection, acme: int, credits: int
) -> None:
    """
    The same cause corrects once, whichever way; the repeat hears the first answer.
    """
    cause = new_cause("admin_act")
    await give(connection, customer_id=acme, credits=2)
    first = await correct(connection, customer_id=acme, credits=credits, cause=cause)
    before = await read_books(connection, customer_id=acme)

    again = await correct(connection, customer_id=acme, credits=credits, cause=cause)

    assert again == ledger.Posted(first.posting_id, credits, 2 + credits, repeated=True)
    assert await read_books(connection, customer_id=acme) == before


@pytest.mark.parametrize("other", [3, -3, -1, 1], ids=["more", "opposite", "less-and-opposite", "less"])
async def test_a_cause_cannot_adjust_by_another_figure(connection: Connection, acme: int, other: int) -> None:
    """
    A cause that gave two is refused when it comes back with anything else, and nothing is written.
    """
    cause = new_cause("admin_act")
    await correct(connection, customer_id=acme, credits=2, cause=cause)
    before = await read_books(connection, customer_id=acme)

    with pytest.raises(ledger.CauseReused):
        await correct(connection, customer_id=acme, credits=other, cause=cause)

    assert await read_books(connection, customer_id=acme) == before


async def test_a_cause_that_consumed_cannot_adjust_by_the_same_figure(connection: Connection, acme: int) -> None:
    """
    Taking two credits as a correction is something else than consuming two.
    """
    cause = new_cause()
    await give(connection, customer_id=acme, credits=9)
    await spend(connection, customer_id=acme, credits=2, cause=cause)

    with pytest.raises(ledger.CauseReused):
        await correct(connection, customer_id=acme, credits=-2, cause=cause)


async def test_the_entries_of_adjustments_sum_to_the_balances(connection: Connection, acme: int) -> None:
    """
    Every balance is the sum of its entries, and each adjustment's entries sum to zero.
    """
    await correct(connection, customer_id=acme, credits=5)
    await correct(connection, customer_id=acme, credits=-2)

    books = await read_books(connection, customer_id=acme)
    assert books.sums() == books.balances()
    assert sum(entry["amount"] for entry in books.entries) == 0


async def test_an_adjustment_of_nothing_is_a_mistake_of_ours(connection: Connection, acme: int) -> None:
    """
    An adjustment by zero is refused before anything is asked of the database.
    """
    with pytest.raises(AssertionError, match="moves something"):
        await ledger.adjust(connection, customer_id=acme, credits=0, reason="none", cause=new_cause(), now=NOW)
