"""
What the spending caps room asks of its database.
"""

from datetime import datetime

from rsolv.db import Connection
from rsolv.spending_caps.rules import Cap, Waiting


async def find_cap(connection: Connection, *, customer_id: int) -> Cap | None:
    """
    Return a customer's cap; None when nobody has asked for it yet.
    """
    row = await connection.fetchrow(
        "SELECT monthly_cap_cents, currency FROM spending_caps WHERE customer_id = $1", customer_id
    )
    return row and Cap(**row)


async def lock_cap(connection: Connection, *, customer_id: int) -> Cap | None:
    """
    Return a customer's cap, locked until the transaction ends; None when there is no row to lock yet.
    """
    row = await connection.fetchrow(
        "SELECT monthly_cap_cents, currency FROM spending_caps WHERE customer_id = $1 FOR NO KEY UPDATE", customer_id
    )
    return row and Cap(**row)


async def insert_cap_once(connection: Connection, *, customer_id: int) -> None:
    """
    Write that a customer has no cap, where nothing is written: the row that everybody locks.
    """
    await connection.execute(
        """
        INSERT INTO spending_caps (customer_id) VALUES ($1)
        ON CONFLICT ON CONSTRAINT spending_caps_pkey DO NOTHING
        """,
        customer_id,
    )


async def update_cap(
    connection: Connection, *, customer_id: int, monthly_cap_cents: int | None, currency: str | None, now: datetime
) -> None:
    """
    Set a customer's cap, or take it away.
    """
    await connection.execute(
        "UPDATE spending_caps SET monthly_cap_cents = $2, currency = $3, set_at = $4 WHERE customer_id = $1",
        customer_id,
        monthly_cap_cents,
        currency,
        now,
    )


async def find_waiting(connection: Connection, *, customer_id: int, reason: str) -> Waiting | None:
    """
    Return how many of a customer's charges wait for a reason, and what they come to, in the currency of most.
    """
    row = await connection.fetchrow(
        """
        SELECT count(*) AS count, sum(d.amount_cents)::bigint AS amount_cents, d.currency, i.parked_reason AS reason
        FROM charge_intents AS i JOIN charge_debts AS d ON d.customer_id = i.customer_id AND d.id = i.debt_id
        WHERE i.customer_id = $1 AND i.parked_reason = $2
        GROUP BY d.currency, i.parked_reason ORDER BY count DESC, d.currency LIMIT 1
        """,
        customer_id,
        reason,
    )
    return row and Waiting(**row)
