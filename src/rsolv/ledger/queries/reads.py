"""
The questions about what has been posted.
"""

from datetime import datetime

import msgspec

from rsolv.db import Connection
from rsolv.ledger.rules import Account, Bucket, Cause, CreditTransaction, Posted, PostedEntry


async def find_balance(connection: Connection, *, customer_id: int) -> int | None:
    """
    Return the available credits, or None when no account was opened.
    """
    balance: int | None = await connection.fetchval(
        "SELECT balance FROM ledger_accounts WHERE customer_id = $1 AND asset = 'credit' AND kind = 'available'",
        customer_id,
    )
    return balance


async def find_balance_as_of(connection: Connection, *, customer_id: int, at: datetime) -> int | None:
    """
    Return the credits that were available at a time: zero before the first entry, None when no account was opened.
    """
    balance: int | None = await connection.fetchval(
        """
        SELECT coalesce((
            SELECT entry.balance_after FROM ledger_entries AS entry
            WHERE entry.customer_id = account.customer_id AND entry.account_id = account.id AND entry.posted_at <= $2
            ORDER BY entry.seq DESC LIMIT 1
        ), 0)
        FROM ledger_accounts AS account
        WHERE account.customer_id = $1 AND account.asset = 'credit' AND account.kind = 'available'
        """,
        customer_id,
        at,
    )
    return balance


async def get_spendable(connection: Connection, *, customer_id: int, at: datetime) -> int:
    """
    Return how many credits the grants in effect *at* that time still hold.
    """
    return int(
        await connection.fetchval(
            """
            SELECT coalesce(sum(remaining), 0)::bigint FROM ledger_grants
            WHERE customer_id = $1
              AND (effective_at IS NULL OR effective_at <= $2) AND (expires_at IS NULL OR expires_at > $2)
            """,
            customer_id,
            at,
        )
    )


async def list_spendable(
    connection: Connection, *, customer_id: int, at: datetime, limit: int
) -> list[tuple[int, int]]:
    """
    Return the grants in effect *at* that time that still hold credits, as (grant id, remaining), in spending order.
    """
    rows = await connection.fetch(
        """
        SELECT id, remaining FROM ledger_grants
        WHERE customer_id = $1 AND remaining > 0
          AND (effective_at IS NULL OR effective_at <= $2) AND (expires_at IS NULL OR expires_at > $2)
        ORDER BY expires_at NULLS LAST, id LIMIT $3
        """,
        customer_id,
        at,
        limit,
    )
    return [(row["id"], row["remaining"]) for row in rows]


async def find_posting_by_cause(
    connection: Connection, *, customer_id: int, cause: Cause
) -> tuple[str, int | None, Posted] | None:
    """
    Return the source, the posting it corrects, and the figures of what this cause posted.
    """
    row = await connection.fetchrow(
        """
        SELECT p.id, p.source, p.corrects_posting_id,
               coalesce(sum(e.amount), 0)::bigint AS credits,
               (array_agg(e.balance_after ORDER BY e.seq DESC))[1] AS balance_after
        FROM ledger_postings p
        LEFT JOIN ledger_entries e ON e.customer_id = p.customer_id AND e.posting_id = p.id AND e.grant_id IS NOT NULL
        WHERE p.customer_id = $1 AND p.cause_kind = $2 AND p.cause_id = $3 AND p.leg = $4
        GROUP BY p.id, p.source, p.corrects_posting_id
        """,
        customer_id,
        cause.kind,
        cause.id,
        cause.leg,
    )
    if row is None:
        return None
    posted = Posted(posting_id=row["id"], credits=row["credits"], balance_after=row["balance_after"], repeated=True)
    return row["source"], row["corrects_posting_id"], posted


async def list_posting_entries(
    connection: Connection, *, customer_id: int, posting_id: int, limit: int
) -> list[PostedEntry]:
    """
    Return the entries of one posting in the order they were made, with what their grants still hold.
    """
    rows = await connection.fetch(
        """
        SELECT a.kind AS account_kind, e.grant_id, e.amount, g.remaining AS grant_remaining
        FROM ledger_entries e
        JOIN ledger_accounts a ON a.customer_id = e.customer_id AND a.id = e.account_id
        LEFT JOIN ledger_grants g ON g.customer_id = e.customer_id AND g.id = e.grant_id
        WHERE e.customer_id = $1 AND e.posting_id = $2
        ORDER BY e.id LIMIT $3
        """,
        customer_id,
        posting_id,
        limit,
    )
    return [PostedEntry(**row) for row in rows]


async def find_correction(connection: Connection, *, customer_id: int, posting_id: int) -> int | None:
    """
    Return the posting that corrects this one, if any.
    """
    correction: int | None = await connection.fetchval(
        "SELECT id FROM ledger_postings WHERE customer_id = $1 AND corrects_posting_id = $2 ORDER BY id LIMIT 1",
        customer_id,
        posting_id,
    )
    return correction


async def find_bucket(connection: Connection, *, customer_id: int, grant_posting_id: int) -> Bucket | None:
    """
    Return the bucket that a posting granted.
    """
    row = await connection.fetchrow(
        """
        SELECT id AS grant_id, credits, remaining FROM ledger_grants WHERE customer_id = $1 AND posting_id = $2
        """,
        customer_id,
        grant_posting_id,
    )
    return row and Bucket(**row)


async def list_accounts(connection: Connection, *, customer_id: int, limit: int) -> list[Account]:
    """
    Return the customer's credit accounts in the order they were opened.
    """
    rows = await connection.fetch(
        """
        SELECT id, kind, balance, seq AS entries FROM ledger_accounts
        WHERE customer_id = $1 AND asset = 'credit' ORDER BY id LIMIT $2
        """,
        customer_id,
        limit,
    )
    return [Account(**row) for row in rows]


async def list_credit_transactions(
    connection: Connection, *, customer_id: int, before_seq: int | None, limit: int
) -> list[CreditTransaction]:
    """
    Return the newest transactions first, at most *limit*, those older than *before_seq* when it is given.
    """
    rows = await connection.fetch(
        """
        SELECT id, seq, amount, balance_after, source, metadata, inserted_at, posting_id
        FROM credit_transactions
        WHERE customer_id = $1 AND ($2::bigint IS NULL OR seq < $2)
        ORDER BY seq DESC LIMIT $3
        """,
        customer_id,
        before_seq,
        limit,
    )
    return [CreditTransaction(**(dict(row) | {"metadata": msgspec.json.decode(row["metadata"])})) for row in rows]
