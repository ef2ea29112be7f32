"""
Ask what a customer has and how it came about.
"""

from datetime import datetime

from rsolv.db import Connection
from rsolv.ledger.errors import CustomerHasNoLedger
from rsolv.ledger.queries import reads
from rsolv.ledger.rules import Account, CreditTransaction

ACCOUNTS_AT_MOST = 100


async def balance(connection: Connection, *, customer_id: int) -> int:
    """
    Return the available credits.

    Raises:
        CustomerHasNoLedger: no accounts were opened for this customer.
    """
    found = await reads.find_balance(connection, customer_id=customer_id)
    if found is None:
        raise CustomerHasNoLedger(customer_id=customer_id)
    return found


async def balance_as_of(connection: Connection, *, customer_id: int, at: datetime) -> int:
    """
    Return the credits that were available at a time (by the database's clock), zero before the first entry.

    Raises:
        CustomerHasNoLedger: no accounts were opened for this customer.
    """
    found = await reads.find_balance_as_of(connection, customer_id=customer_id, at=at)
    if found is None:
        raise CustomerHasNoLedger(customer_id=customer_id)
    return found


async def list_accounts(connection: Connection, *, customer_id: int) -> list[Account]:
    """
    Return the customer's credit accounts with their balances.
    """
    return await reads.list_accounts(connection, customer_id=customer_id, limit=ACCOUNTS_AT_MOST)


async def list_credit_transactions(
    connection: Connection, *, customer_id: int, limit: int, before_seq: int | None = None
) -> list[CreditTransaction]:
    """
    Return the customer's transactions, newest first, at most *limit*, those older than *before_seq* if given.
    """
    return await reads.list_credit_transactions(connection, customer_id=customer_id, before_seq=before_seq, limit=limit)
