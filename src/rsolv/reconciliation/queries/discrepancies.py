"""
The statements about discrepancies.
"""

from datetime import datetime

from rsolv.db import Connection
from rsolv.reconciliation.rules import Difference, Discrepancy

_LIST = """
    SELECT id, kind, class AS klass, stripe_object_id, customer_id, ours, theirs, amount_cents, currency, found_at,
           seen_at, closed_at, closed_by, close_reason
    FROM discrepancies
"""
_FIND = _LIST + " WHERE id = $1"
_LOCK = _LIST + " WHERE id = $1 FOR NO KEY UPDATE"
_LIST_ALL = (
    _LIST
    + """
    WHERE ($1 OR closed_at IS NULL) AND ($2::bigint IS NULL OR customer_id = $2)
    ORDER BY closed_at IS NOT NULL, id DESC LIMIT $3
    """
)


async def note_difference(connection: Connection, difference: Difference, *, now: datetime) -> int | None:
    """
    Write a difference down and return the new discrepancy's id; None where that is open already, or was accepted.

    Accepted is what an operator closed as long as both sides go on saying just what they said then.
    """
    discrepancy_id: int | None = await connection.fetchval(
        """
        INSERT INTO discrepancies AS d (kind, class, stripe_object_id, customer_id, ours, theirs, amount_cents,
                                        currency, found_at, seen_at)
        SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $9
        WHERE NOT EXISTS (
            SELECT FROM discrepancies AS a
            WHERE a.stripe_object_id = $3 AND a.kind = $1 AND a.class = $2 AND a.ours = $5 AND a.theirs = $6
              AND a.closed_by LIKE 'operator:%'
        )
        ON CONFLICT (kind, class, stripe_object_id) WHERE closed_at IS NULL
        DO UPDATE SET seen_at = greatest(d.seen_at, EXCLUDED.seen_at), ours = EXCLUDED.ours, theirs = EXCLUDED.theirs,
                      customer_id = coalesce(EXCLUDED.customer_id, d.customer_id),
                      amount_cents = EXCLUDED.amount_cents, currency = EXCLUDED.currency
        RETURNING CASE WHEN xmax = 0 THEN id END
        """,
        difference.kind,
        difference.klass,
        difference.stripe_object_id,
        difference.customer_id,
        difference.ours,
        difference.theirs,
        difference.amount_cents,
        difference.currency,
        now,
    )
    return discrepancy_id


async def close_agreeing(
    connection: Connection, *, stripe_object_ids: list[str], reason: str, closed_by: str, now: datetime
) -> int:
    """
    Close what is open about objects on which both sides agree now, and return how many there were.
    """
    rows = await connection.fetch(
        """
        UPDATE discrepancies SET closed_at = $2, closed_by = $3, close_reason = $4
        WHERE closed_at IS NULL AND stripe_object_id = ANY ($1::text[]) RETURNING id
        """,
        stripe_object_ids,
        now,
        closed_by,
        reason,
    )
    return len(rows)


async def close_discrepancy(
    connection: Connection, discrepancy_id: int, *, closed_by: str, reason: str, now: datetime
) -> None:
    """
    Close a discrepancy that is locked.
    """
    await connection.execute(
        "UPDATE discrepancies SET closed_at = $2, closed_by = $3, close_reason = $4 WHERE id = $1",
        discrepancy_id,
        now,
        closed_by,
        reason,
    )


async def find_discrepancy_for_operator(connection: Connection, discrepancy_id: int) -> Discrepancy | None:
    """
    Return a discrepancy.
    """
    row = await connection.fetchrow(_FIND, discrepancy_id)
    return row and Discrepancy(**row)


async def lock_discrepancy_for_operator(connection: Connection, discrepancy_id: int) -> Discrepancy | None:
    """
    Lock a discrepancy until the transaction ends.
    """
    row = await connection.fetchrow(_LOCK, discrepancy_id)
    return row and Discrepancy(**row)


async def list_discrepancies_for_operator(
    connection: Connection, *, with_closed: bool, customer_id: int | None, limit: int
) -> list[Discrepancy]:
    """
    Return discrepancies, open ones first, the newest first.
    """
    rows = await connection.fetch(_LIST_ALL, with_closed, customer_id, limit)
    return [Discrepancy(**row) for row in rows]
