"""
The statements about reversals. Each is run under the lock of the customer's credits, where it changes something.
"""

from dataclasses import replace
from datetime import datetime

from rsolv.charges import ChargePosting
from rsolv.db import Connection, Row
from rsolv.reversals.rules import Paid, Reversal, ReversalKind, ReversalState, Share, Source

_LIST_REVERSALS = """
    SELECT id, customer_id, kind, stripe_object_id, source_kind, source_id, charge_id, paid_cents, credits_granted,
           grant_posting_id, amount_cents, currency, credits_due, credits_taken, receivable_cents, corrections, state,
           money_posting_id, taken_at, restored_at
    FROM reversals
    WHERE customer_id = $1 AND ($2::text IS NULL OR stripe_object_id = $2)
      AND ($3::text IS NULL OR (source_kind = $3 AND source_id = $4)) AND ($5::text IS NULL OR state = $5)
    ORDER BY id LIMIT $6
"""


async def find_reversal(connection: Connection, *, customer_id: int, stripe_object_id: str) -> Reversal | None:
    """
    Return what a refund or a dispute took back.
    """
    row = await connection.fetchrow(_LIST_REVERSALS, customer_id, stripe_object_id, None, None, None, 1)
    return row and Reversal(**row)


async def list_reversals(
    connection: Connection,
    *,
    customer_id: int,
    source_kind: str,
    source_id: int,
    state: ReversalState | None,
    limit: int,
) -> list[Reversal]:
    """
    Return what was taken back of a payment, the first to come first; only what is in a state, if one is given.
    """
    rows = await connection.fetch(_LIST_REVERSALS, customer_id, None, source_kind, source_id, state, limit)
    return [Reversal(**row) for row in rows]


async def find_reversal_of_posting(connection: Connection, *, customer_id: int, posting_id: int) -> str | None:
    """
    Return for which refund or dispute at Stripe a posting was made, if for any.
    """
    stripe_object_id: str | None = await connection.fetchval(
        """
        SELECT r.stripe_object_id FROM ledger_postings AS p
        JOIN reversals AS r ON r.customer_id = p.customer_id AND r.kind = p.cause_kind
          AND r.stripe_object_id = p.cause_id
        WHERE p.customer_id = $1 AND p.id = $2
        """,
        customer_id,
        posting_id,
    )
    return stripe_object_id


async def list_short_sources(connection: Connection, *, customer_id: int, limit: int) -> list[Row]:
    """
    Return the payments of a customer of which credits are due that were spent.
    """
    return await connection.fetch(
        """
        SELECT DISTINCT source_kind, source_id FROM reversals
        WHERE customer_id = $1 AND credits_taken < credits_due
        ORDER BY source_kind, source_id LIMIT $2
        """,
        customer_id,
        limit,
    )


async def insert_reversal(
    connection: Connection,
    source: Source,
    share: Share,
    *,
    customer_id: int,
    kind: ReversalKind,
    stripe_object_id: str,
    amount_cents: int,
    money_posting_id: int,
    now: datetime,
) -> None:
    """
    Write down what a refund or a dispute took.
    """
    await connection.execute(
        """
        INSERT INTO reversals (customer_id, kind, stripe_object_id, source_kind, source_id, paid_cents,
                               credits_granted, grant_posting_id, amount_cents, currency, credits_due, credits_taken,
                               receivable_cents, money_posting_id, taken_at, invoice_id)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
        """,
        customer_id,
        kind,
        stripe_object_id,
        source.kind,
        source.id,
        source.paid_cents,
        source.credits_granted,
        source.grant_posting_id,
        amount_cents,
        source.currency,
        share.credits_due,
        share.credits_taken,
        share.receivable_cents,
        money_posting_id,
        now,
        source.paid.invoice_id,
    )


async def correct_reversal(connection: Connection, reversal: Reversal, share: Share) -> None:
    """
    Note what a reversal takes now.
    """
    await connection.execute(
        """
        UPDATE reversals
        SET credits_due = $3, credits_taken = $4, receivable_cents = $5, corrections = corrections + 1
        WHERE customer_id = $1 AND id = $2
        """,
        reversal.customer_id,
        reversal.id,
        share.credits_due,
        share.credits_taken,
        share.receivable_cents,
    )


async def restore_reversal(
    connection: Connection, reversal: Reversal, *, restoring_posting_id: int, now: datetime
) -> Reversal:
    """
    Note that a reversal holds nothing any more.
    """
    row = await connection.fetchrow(
        """
        UPDATE reversals
        SET state = 'restored', restoring_posting_id = $3, restored_at = $4,
            credits_due = 0, credits_taken = 0, receivable_cents = 0
        WHERE customer_id = $1 AND id = $2
        RETURNING state, restored_at, credits_due, credits_taken, receivable_cents
        """,
        reversal.customer_id,
        reversal.id,
        restoring_posting_id,
        now,
    )
    assert row is not None, "read under the same lock"
    return replace(reversal, **row)


async def list_postings(connection: Connection, *, customer_id: int, paid: Paid, limit: int) -> list[ChargePosting]:
    """
    Return what the reversals of a charge or an invoice posted in the ledger, in order.
    """
    rows = await connection.fetch(
        """
        SELECT p.id, p.leg, p.source, array_agg(a.kind ORDER BY e.id) AS kinds,
               array_agg(a.asset ORDER BY e.id) AS assets, array_agg(e.amount ORDER BY e.id) AS amounts
        FROM reversals AS r
        JOIN ledger_postings AS p ON p.customer_id = r.customer_id AND p.cause_kind = r.kind
          AND p.cause_id = r.stripe_object_id
        JOIN ledger_entries AS e ON e.customer_id = p.customer_id AND e.posting_id = p.id
        JOIN ledger_accounts AS a ON a.customer_id = e.customer_id AND a.id = e.account_id
        WHERE r.customer_id = $1 AND r.source_kind = $2 AND r.source_id = $3
        GROUP BY p.id, p.leg, p.source ORDER BY p.id LIMIT $4
        """,
        customer_id,
        paid.kind,
        paid.id,
        limit,
    )
    return [
        ChargePosting(
            id=row["id"],
            leg=row["leg"],
            source=row["source"],
            entries=tuple(zip(row["kinds"], row["assets"], row["amounts"], strict=True)),
        )
        for row in rows
    ]
