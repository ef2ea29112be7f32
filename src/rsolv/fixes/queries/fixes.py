"""
The statements about fixes.
"""

from dataclasses import dataclass
from datetime import datetime

from rsolv.db import Connection, changed_rows
from rsolv.fixes.rules import PhaseCompleted


@dataclass(frozen=True, slots=True)
class Fix:
    """
    A fix as far as metering needs it.
    """

    id: int
    state: str


async def insert_fix_once(connection: Connection, completed: PhaseCompleted) -> int | None:
    """
    Record the fix of an issue as consumed and return its id; None when a live one exists.

    Waits for somebody recording the same fix at the same moment. Written as consumed because that is what nearly always
    follows in this transaction; `block_fix` rewrites it when it does not, so that nobody ever sees the guess.
    """
    fix_id: int | None = await connection.fetchval(
        """
        INSERT INTO fixes (customer_id, repository_id, issue_number, phase_result_id, api_key_id, state, recorded_at,
                           settled_at)
        VALUES ($1, $2, $3, $4, $5, 'consumed', $6, $6)
        ON CONFLICT (customer_id, repository_id, issue_number) WHERE state <> 'reversed' DO NOTHING
        RETURNING id
        """,
        completed.customer_id,
        completed.repository_id,
        completed.issue_number,
        completed.phase_result_id,
        completed.api_key_id,
        completed.occurred_at,
    )
    return fix_id


async def lock_live_fix(
    connection: Connection, *, customer_id: int, repository_id: int, issue_number: int
) -> Fix | None:
    """
    Lock the live fix of an issue until the transaction ends.
    """
    row = await connection.fetchrow(
        """
        SELECT id, state FROM fixes
        WHERE customer_id = $1 AND repository_id = $2 AND issue_number = $3 AND state <> 'reversed'
        FOR NO KEY UPDATE
        """,
        customer_id,
        repository_id,
        issue_number,
    )
    return row and Fix(**row)


async def block_fix(connection: Connection, *, customer_id: int, fix_id: int, reason: str) -> None:
    """
    Note that a fix could not be paid for.
    """
    await connection.execute(
        """
        UPDATE fixes SET state = 'blocked', blocked_reason = $3, settled_at = NULL WHERE customer_id = $1 AND id = $2
        """,
        customer_id,
        fix_id,
        reason,
    )


async def settle_blocked_fix(connection: Connection, *, customer_id: int, fix_id: int, settled_at: datetime) -> None:
    """
    Note that a credit was consumed for a fix that was blocked.
    """
    await connection.execute(
        """
        UPDATE fixes SET state = 'consumed', blocked_reason = NULL, settled_at = $3
        WHERE customer_id = $1 AND id = $2 AND state = 'blocked'
        """,
        customer_id,
        fix_id,
        settled_at,
    )


async def mark_reversed(connection: Connection, *, customer_id: int, posting_id: int) -> bool:
    """
    Mark the consumed fix of a posting as reversed if a later posting corrects it; False when there is none.
    """
    tag = await connection.execute(
        """
        UPDATE fixes AS f SET state = 'reversed'
        FROM ledger_postings AS p
        WHERE p.customer_id = $1 AND p.id = $2 AND f.customer_id = p.customer_id AND f.id = p.fix_id
          AND f.state = 'consumed'
          AND EXISTS (SELECT FROM ledger_postings c WHERE c.customer_id = $1 AND c.corrects_posting_id = $2)
        """,
        customer_id,
        posting_id,
    )
    return changed_rows(tag) == 1


async def count_settled_since(connection: Connection, *, customer_id: int, since: datetime) -> int:
    """
    Count the fixes a customer paid for since a time.
    """
    return int(
        await connection.fetchval(
            "SELECT count(*) FROM fixes WHERE customer_id = $1 AND state = 'consumed' AND settled_at >= $2",
            customer_id,
            since,
        )
    )
