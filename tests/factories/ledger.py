"""
Makers of ledgers, and everything that stands in one.
"""

import itertools
from dataclasses import dataclass
from datetime import UTC, datetime

from rsolv import customers, ledger
from rsolv.db import Connection, Row

NOW = datetime(2027, 6, 1, tzinfo=UTC)
"""
When work is booked in these tests, unless they say otherwise.
"""

MOVE_A_BALANCE = """
    ALTER TABLE ledger_accounts DISABLE TRIGGER USER;
    UPDATE ledger_accounts SET balance = balance + 1 WHERE kind = 'consumed';
    ALTER TABLE ledger_accounts ENABLE TRIGGER USER
"""
"""
A planted bug: a balance is moved behind the ledger's back.
"""

_numbers = itertools.count(1)


def new_cause(kind: str = "example") -> ledger.Cause:
    """
    Name a cause that has not posted yet.
    """
    return ledger.Cause(kind, str(next(_numbers)))


async def open_ledger(connection: Connection, *, credits: int = 0) -> int:
    """
    Create a customer with open accounts, one grant of *credits* if any, and nothing else; return the customer's id.
    """
    new = customers.checked_new_customer(
        email=f"ledger-{next(_numbers)}@example.com",
        name="Acme",
        acquisition=customers.Acquisition(),
        policy=customers.EmailPolicy(example_domains_allowed=True),
    )
    customer = await customers.create_customer(connection, new, plan="trial", auto_provisioned=True, now=NOW)
    await ledger.open_accounts(connection, customer_id=customer.id)
    if credits:
        await give(connection, customer_id=customer.id, credits=credits)
    return customer.id


async def give(
    connection: Connection,
    *,
    customer_id: int,
    credits: int,
    cause: ledger.Cause | None = None,
    effective_at: datetime | None = None,
    expires_at: datetime | None = None,
) -> ledger.Posted:
    """
    Grant credits as if purchased, under a cause of their own unless one is given.
    """
    return await ledger.grant(
        connection,
        customer_id=customer_id,
        credits=credits,
        source="purchased",
        cause=cause or new_cause(),
        effective_at=effective_at,
        expires_at=expires_at,
    )


async def spend(
    connection: Connection,
    *,
    customer_id: int,
    credits: int,
    cause: ledger.Cause | None = None,
    now: datetime = NOW,
) -> ledger.Posted:
    """
    Consume credits, under a cause of their own unless one is given.
    """
    return await ledger.consume(
        connection, customer_id=customer_id, credits=credits, cause=cause or new_cause(), now=now
    )


async def correct(
    connection: Connection, *, customer_id: int, credits: int, cause: ledger.Cause | None = None
) -> ledger.Posted:
    """
    Adjust a balance, under a cause of its own unless one is given.
    """
    return await ledger.adjust(
        connection,
        customer_id=customer_id,
        credits=credits,
        reason="a mistake of ours",
        cause=cause or new_cause(),
        now=NOW,
    )


async def undo(
    connection: Connection, *, customer_id: int, posting_id: int, cause: ledger.Cause | None = None
) -> ledger.Reversed:
    """
    Reverse a posting, under a cause of its own unless one is given.
    """
    return await ledger.reverse(
        connection,
        customer_id=customer_id,
        posting_id=posting_id,
        source="refund_reversal",
        cause=cause or new_cause(),
        reason="the payment was refunded",
    )


@dataclass(frozen=True)
class Books:
    """
    Every row of the ledger's tables for one customer: what must be the same where nothing was written.
    """

    accounts: list[Row]
    postings: list[Row]
    grants: list[Row]
    entries: list[Row]

    def balances(self) -> dict[str, int]:
        """
        Return the balances by kind of account, those that are not zero.
        """
        return {row["kind"]: row["balance"] for row in self.accounts if row["balance"]}

    def sums(self) -> dict[str, int]:
        """
        Return what the entries sum to by kind of account, those that are not zero.
        """
        kinds = {row["id"]: row["kind"] for row in self.accounts}
        totals = dict.fromkeys(kinds.values(), 0)
        for entry in self.entries:
            totals[kinds[entry["account_id"]]] += entry["amount"]
        return {kind: total for kind, total in totals.items() if total}

    def remaining(self) -> list[int]:
        """
        Return what each grant still holds, the oldest grant first.
        """
        return [row["remaining"] for row in self.grants]


async def read_books(connection: Connection, *, customer_id: int) -> Books:
    """
    Read everything that stands in a customer's ledger.
    """
    return Books(
        accounts=await connection.fetch(
            "SELECT * FROM ledger_accounts WHERE customer_id = $1 ORDER BY id", customer_id
        ),
        postings=await connection.fetch(
            "SELECT * FROM ledger_postings WHERE customer_id = $1 ORDER BY id", customer_id
        ),
        grants=await connection.fetch("SELECT * FROM ledger_grants WHERE customer_id = $1 ORDER BY id", customer_id),
        entries=await connection.fetch("SELECT * FROM ledger_entries WHERE customer_id = $1 ORDER BY id", customer_id),
    )
