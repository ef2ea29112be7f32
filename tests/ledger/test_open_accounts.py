"""
Opening the accounts of a customer.
"""

import asyncpg
import pytest

from factories.ledger import NOW, give, new_cause, open_ledger, read_books, spend
from rsolv import ledger
from rsolv.db import Connection


async def test_accounts_are_opened_empty(connection: Connection, acme: int) -> None:
    """
    A customer starts with the three accounts that everybody needs, without a credit or an entry in them.
    """
    accounts = await ledger.list_accounts(connection, customer_id=acme)

    assert [(account.kind, account.balance, account.entries) for account in accounts] == [
        ("available", 0, 0),
        ("issued", 0, 0),
        ("consumed", 0, 0),
    ]


async def test_opening_accounts_again_changes_nothing(connection: Connection, acme: int) -> None:
    """
    A repeat neither opens a second set nor empties the first.
    """
    await give(connection, customer_id=acme, credits=4)
    before = await read_books(connection, customer_id=acme)

    await ledger.open_accounts(connection, customer_id=acme)

    assert await read_books(connection, customer_id=acme) == before


async def test_accounts_belong_to_one_customer(connection: Connection, acme: int) -> None:
    """
    What one customer is given and spends, another does not feel.
    """
    globex = await open_ledger(connection, credits=3)

    await give(connection, customer_id=acme, credits=8)
    await spend(connection, customer_id=acme, credits=1)

    assert await ledger.balance(connection, customer_id=acme) == 7
    assert await ledger.balance(connection, customer_id=globex) == 3


async def test_nobody_can_be_granted_credits_without_accounts(connection: Connection) -> None:
    """
    A customer without a ledger is told so by every verb that would move credits.
    """
    with pytest.raises(ledger.CustomerHasNoLedger):
        await give(connection, customer_id=404, credits=1)
    with pytest.raises(ledger.CustomerHasNoLedger):
        await spend(connection, customer_id=404, credits=1)
    with pytest.raises(ledger.CustomerHasNoLedger):
        await ledger.adjust(connection, customer_id=404, credits=-1, reason="none", cause=new_cause(), now=NOW)
    with pytest.raises(ledger.CustomerHasNoLedger):
        await ledger.reverse(
            connection, customer_id=404, posting_id=1, source="adjustment", cause=new_cause(), reason="none"
        )


async def test_an_account_cannot_be_opened_for_nobody(connection: asyncpg.Connection) -> None:
    """
    The database knows no account without a customer.
    """
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        async with connection.transaction():
            await ledger.open_accounts(connection, customer_id=404)


@pytest.mark.parametrize(
    ("asset", "kind"),
    [("credit", "revenue"), ("usd", "available"), ("USD", "revenue"), ("credit", "pocket")],
    ids=["money-kind-of-credits", "credit-kind-of-money", "currency-in-capitals", "unknown-kind"],
)
async def test_the_database_knows_which_accounts_exist(
    connection: asyncpg.Connection, acme: int, asset: str, kind: str
) -> None:
    """
    Credits and money have each their own kinds of account, and no others can be opened.
    """
    with pytest.raises(asyncpg.CheckViolationError, match="kind_fits_asset"):
        async with connection.transaction():
            await connection.execute(
                "INSERT INTO ledger_accounts (customer_id, asset, kind) VALUES ($1, $2, $3)", acme, asset, kind
            )
