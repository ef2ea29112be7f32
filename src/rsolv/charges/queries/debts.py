"""
The statements about debts, and about what people want of the charges that collect them.
"""

from datetime import datetime

from rsolv.charges.rules import Ending, Intent
from rsolv.db import Connection


async def find_intent_id(connection: Connection, *, customer_id: int, fix_id: int) -> int | None:
    """
    Return the newest charge for a fix.
    """
    intent_id: int | None = await connection.fetchval(
        """
        SELECT i.id FROM charge_debts AS d
        JOIN charge_intents AS i ON i.customer_id = d.customer_id AND i.debt_id = d.id
        WHERE d.customer_id = $1 AND d.fix_id = $2 ORDER BY i.id DESC LIMIT 1
        """,
        customer_id,
        fix_id,
    )
    return intent_id


async def insert_debt_once(
    connection: Connection,
    *,
    customer_id: int,
    fix_id: int,
    amount_cents: int,
    currency: str,
    plan: str,
    catalog_version_id: int,
    api_key_id: int,
    description: str,
    now: datetime,
) -> int | None:
    """
    Write a debt with its first charge, due at once, and return the charge's id; None when the fix is owed for already.
    """
    intent_id: int | None = await connection.fetchval(
        """
        WITH debt AS (
            INSERT INTO charge_debts (customer_id, fix_id, amount_cents, currency, plan, catalog_version_id, api_key_id,
                                      description, created_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
            ON CONFLICT ON CONSTRAINT charge_debts_once_per_fix DO NOTHING
            RETURNING id
        )
        INSERT INTO charge_intents (customer_id, debt_id, wake_at, created_at, moved_at)
        SELECT $1, debt.id, $9, $9, $9 FROM debt
        RETURNING id
        """,
        customer_id,
        fix_id,
        amount_cents,
        currency,
        plan,
        catalog_version_id,
        api_key_id,
        description,
        now,
    )
    return intent_id


async def insert_intent(connection: Connection, *, customer_id: int, debt_id: int, now: datetime) -> int:
    """
    Write another charge for a debt, due at once; the database refuses a second one that is alive.
    """
    intent_id: int = await connection.fetchval(
        """
        INSERT INTO charge_intents (customer_id, debt_id, wake_at, created_at, moved_at)
        VALUES ($1, $2, $3, $3, $3) RETURNING id
        """,
        customer_id,
        debt_id,
        now,
    )
    return intent_id


async def close_debt(connection: Connection, intent: Intent, *, state: str) -> None:
    """
    Close the debt of a charge.
    """
    await connection.execute(
        "UPDATE charge_debts SET state = $3 WHERE customer_id = $1 AND id = $2",
        intent.customer_id,
        intent.debt_id,
        state,
    )


async def note_overdue_once(connection: Connection, intent: Intent, *, since: datetime) -> None:
    """
    Note since when a charge's debt is overdue; it stays so from the first time on.
    """
    await connection.execute(
        "UPDATE charge_debts SET overdue_since = $3 WHERE customer_id = $1 AND id = $2 AND overdue_since IS NULL",
        intent.customer_id,
        intent.debt_id,
        since,
    )


async def ask_to_end(connection: Connection, intent: Intent, *, ending: Ending, now: datetime) -> None:
    """
    Note that a charge is to end unpaid, and have it go on at once.
    """
    await connection.execute(
        "UPDATE charge_intents SET ending = $3, wake_at = $4, parked_reason = NULL WHERE customer_id = $1 AND id = $2",
        intent.customer_id,
        intent.id,
        ending,
        now,
    )


async def wake_intent(connection: Connection, intent: Intent, *, now: datetime) -> None:
    """
    Have a charge go on at once, at the beginning of a dunning schedule.
    """
    await connection.execute(
        """
        UPDATE charge_intents SET wake_at = $3, parked_reason = NULL, declines = 0, dunning_began_at = NULL
        WHERE customer_id = $1 AND id = $2
        """,
        intent.customer_id,
        intent.id,
        now,
    )


async def wake_curable(
    connection: Connection, *, customer_id: int, reasons: list[str], with_declined: bool, now: datetime, limit: int
) -> list[int]:
    """
    Have those of a customer's charges go on at once that rest for one of these reasons, or *with_declined* ones.
    """
    rows = await connection.fetch(
        """
        UPDATE charge_intents
        SET wake_at = $4, parked_reason = NULL, declines = 0, dunning_began_at = NULL
        WHERE customer_id = $1 AND id IN (
            SELECT id FROM charge_intents
            WHERE customer_id = $1 AND state NOT IN ('succeeded', 'canceled', 'uncollectible', 'confirming')
              AND (parked_reason = ANY ($2::text[])
                   OR ($3 AND parked_reason IS NULL AND state IN ('declined', 'requires_action')))
            ORDER BY id LIMIT $5
        )
        RETURNING id
        """,
        customer_id,
        reasons,
        with_declined,
        now,
        limit,
    )
    return [row["id"] for row in rows]
