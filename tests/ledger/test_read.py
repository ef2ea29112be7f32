"""
What a customer has, what they had, and how it came about.
"""

from datetime import UTC, datetime, timedelta

import pytest

from factories.ledger import correct, give, open_ledger, spend
from rsolv import ledger
from rsolv.db import Connection

MOMENT = timedelta(microseconds=1)
LONG_FROM_NOW = datetime(2999, 1, 1, tzinfo=UTC)


async def test_the_balance_is_the_available_credits(connection: Connection, acme: int) -> None:
    """
    What is consumed or reversed is not in it.
    """
    await give(connection, customer_id=acme, credits=9)
    await spend(connection, customer_id=acme, credits=3)
    await correct(connection, customer_id=acme, credits=-2)

    assert await ledger.balance(connection, customer_id=acme) == 4


async def test_who_has_no_ledger_has_no_balance(connection: Connection) -> None:
    """
    No accounts is not the same as no credits.
    """
    with pytest.raises(ledger.CustomerHasNoLedger):
        await ledger.balance(connection, customer_id=404)
    with pytest.raises(ledger.CustomerHasNoLedger):
        await ledger.balance_as_of(connection, customer_id=404, at=LONG_FROM_NOW)


async def test_the_balance_as_of_a_time_is_the_one_after_the_last_entry_until_then(
    connection: Connection, acme: int
) -> None:
    """
    An entry counts from its own moment on; before the first the balance is zero.
    """
    await give(connection, customer_id=acme, credits=9)
    await spend(connection, customer_id=acme, credits=3)
    second, first = await ledger.list_credit_transactions(connection, customer_id=acme, limit=2)

    moments = [first.inserted_at - MOMENT, first.inserted_at, second.inserted_at - MOMENT, second.inserted_at]
    balances = [await ledger.balance_as_of(connection, customer_id=acme, at=moment) for moment in moments]

    assert balances == [0, 9, 9, 6]


async def test_the_balance_as_of_the_future_is_the_balance(connection: Connection, acme: int) -> None:
    """
    What has not happened yet does not count.
    """
    await give(connection, customer_id=acme, credits=9)

    assert await ledger.balance_as_of(connection, customer_id=acme, at=LONG_FROM_NOW) == 9


async def test_accounts_are_listed_with_balance_and_number_of_entries(connection: Connection, acme: int) -> None:
    """
    All accounts sum to zero: what was issued is somewhere.
    """
    await give(connection, customer_id=acme, credits=9)
    await spend(connection, customer_id=acme, credits=3)
    await correct(connection, customer_id=acme, credits=-2)

    accounts = await ledger.list_accounts(connection, customer_id=acme)

    assert [(account.kind, account.balance, account.entries) for account in accounts] == [
        ("available", 4, 3),
        ("issued", -9, 1),
        ("consumed", 3, 1),
        ("reversed", 2, 1),
    ]


async def test_transactions_are_listed_newest_first(connection: Connection, acme: int) -> None:
    """
    Each move of the available credits is one transaction with the balance after it.
    """
    granted = await give(connection, customer_id=acme, credits=9)
    spent = await spend(connection, customer_id=acme, credits=3)

    listed = await ledger.list_credit_transactions(connection, customer_id=acme, limit=10)

    assert [(each.seq, each.amount, each.balance_after, each.source, each.posting_id) for each in listed] == [
        (2, -3, 6, "consumed", spent.posting_id),
        (1, 9, 9, "purchased", granted.posting_id),
    ]


async def test_transactions_are_paged_by_the_sequence_number(connection: Connection, acme: int) -> None:
    """
    The next page begins before the last number seen, and new transactions do not shift it.
    """
    for credits in range(1, 6):
        await give(connection, customer_id=acme, credits=credits)

    first = await ledger.list_credit_transactions(connection, customer_id=acme, limit=2)
    await give(connection, customer_id=acme, credits=99)
    second = await ledger.list_credit_transactions(connection, customer_id=acme, limit=2, before_seq=first[-1].seq)
    third = await ledger.list_credit_transactions(connection, customer_id=acme, limit=2, before_seq=second[-1].seq)
    beyond = await ledger.list_credit_transactions(connection, customer_id=acme, limit=2, before_seq=third[-1].seq)

    assert [[each.amount for each in page] for page in (first, second, third, beyond)] == [[5, 4], [3, 2], [1], []]


async def test_nobody_sees_transactions_of_somebody_else(connection: Connection, acme: int) -> None:
    """
    The list is the customer's own.
    """
    await open_ledger(connection, credits=8)

    assert await ledger.list_credit_transactions(connection, customer_id=acme, limit=10) == []


async def test_the_view_of_transactions_keeps_its_columns(connection: Connection, acme: int) -> None:
    """
    Operators and reports read `credit_transactions` by these names and types.
    """
    columns = await connection.fetch(
        """
        SELECT column_name, data_type FROM information_schema.columns
        WHERE table_name = 'credit_transactions' ORDER BY ordinal_position
        """
    )

    assert [tuple(row) for row in columns] == [
        ("customer_id", "bigint"),
        ("id", "bigint"),
        ("amount", "bigint"),
        ("balance_after", "bigint"),
        ("source", "text"),
        ("metadata", "jsonb"),
        ("inserted_at", "timestamp with time zone"),
        ("posting_id", "bigint"),
        ("seq", "bigint"),
    ]


async def test_the_view_shows_only_the_available_credits(connection: Connection, acme: int) -> None:
    """
    The other side of each posting is bookkeeping and not shown: the amounts sum to the balance.
    """
    await give(connection, customer_id=acme, credits=9)
    await spend(connection, customer_id=acme, credits=3)

    amounts = await connection.fetch("SELECT amount FROM credit_transactions WHERE customer_id = $1 ORDER BY seq", acme)

    assert [row["amount"] for row in amounts] == [9, -3]
