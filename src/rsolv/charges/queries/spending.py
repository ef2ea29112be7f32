"""
The statements about how much customers are charged over time, and about the charges that wait until they may be made.
"""

from dataclasses import dataclass
from datetime import datetime

from rsolv.db import Connection


@dataclass(frozen=True, slots=True)
class Spent:
    """
    What a customer's charges have taken since a time, and what those under way may take any moment.
    """

    settled_cents: int
    under_way_cents: int

    @property
    def total_cents(self) -> int:
        """
        Return what has been taken should all that is under way succeed.
        """
        return self.settled_cents + self.under_way_cents


async def sum_spent(
    connection: Connection, *, customer_id: int, currency: str, since: datetime, except_charge_id: int | None
) -> Spent:
    """
    Add up what succeeded since a time less its refunds and, however old, what is armed.

    Armed is what is sent, about to be, or waiting for the customer.
    """
    row = await connection.fetchrow(
        """
        SELECT coalesce(sum(d.amount_cents - i.amount_refunded_cents) FILTER (WHERE i.state = 'succeeded'), 0)::bigint
                   AS settled_cents,
               coalesce(sum(d.amount_cents) FILTER (WHERE i.state <> 'succeeded'), 0)::bigint AS under_way_cents
        FROM charge_intents AS i JOIN charge_debts AS d ON d.customer_id = i.customer_id AND d.id = i.debt_id
        WHERE i.customer_id = $1 AND d.currency = $2
          AND (i.settled_at >= $3 OR i.state IN ('confirming', 'requires_action', 'unknown'))
          AND i.id IS DISTINCT FROM $4::bigint
        """,
        customer_id,
        currency,
        since,
        except_charge_id,
    )
    assert row is not None, "a sum has one row"
    return Spent(**row)


async def count_held(connection: Connection, *, customer_id: int, reason: str) -> int:
    """
    Count a customer's charges that wait for a reason.
    """
    return int(
        await connection.fetchval(
            "SELECT count(*) FROM charge_intents WHERE customer_id = $1 AND parked_reason = $2", customer_id, reason
        )
    )


async def wake_held(connection: Connection, *, customer_id: int, reason: str, now: datetime, limit: int) -> list[int]:
    """
    Have the oldest of a customer's charges that wait for a reason go on at once; a dunning schedule goes on as it was.
    """
    rows = await connection.fetch(
        """
        UPDATE charge_intents SET wake_at = $3, parked_reason = NULL
        WHERE customer_id = $1 AND id IN (
            SELECT id FROM charge_intents
            WHERE customer_id = $1 AND parked_reason = $2 AND state NOT IN ('succeeded', 'canceled', 'uncollectible')
            ORDER BY id LIMIT $4
        )
        RETURNING id
        """,
        customer_id,
        reason,
        now,
        limit,
    )
    return sorted(row["id"] for row in rows)
