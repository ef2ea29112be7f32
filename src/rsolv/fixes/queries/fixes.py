"""
The statements about fixes.
"""

from datetime import datetime

from rsolv.db import Connection, changed_rows
from rsolv.fixes.rules import FixToBill, PhaseCompleted


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
) -> FixToBill | None:
    """
    Lock the live fix of an issue until the transaction ends.
    """
    row = await connection.fetchrow(
        """
        SELECT f.id, f.customer_id, f.api_key_id, r.namespace || '/' || r.name AS repository, f.issue_number, f.state,
               f.recorded_plan AS plan, f.recorded_catalog_version_id AS catalog_version_id
        FROM fixes f JOIN repositories r ON r.customer_id = f.customer_id AND r.id = f.repository_id
        WHERE f.customer_id = $1 AND f.repository_id = $2 AND f.issue_number = $3 AND f.state <> 'reversed'
        FOR NO KEY UPDATE OF f
        """,
        customer_id,
        repository_id,
        issue_number,
    )
    return row and FixToBill(**row)


async def lock_recorded_fix_by_order(connection: Connection, *, after_id: int) -> FixToBill | None:
    """
    Lock the oldest fix that was recorded while billing was off, of those after an id.
    """
    row = await connection.fetchrow(
        """
        SELECT f.id, f.customer_id, f.api_key_id, r.namespace || '/' || r.name AS repository, f.issue_number, f.state,
               f.recorded_plan AS plan, f.recorded_catalog_version_id AS catalog_version_id
        FROM fixes f JOIN repositories r ON r.customer_id = f.customer_id AND r.id = f.repository_id
        WHERE f.state = 'recorded' AND f.id > $1
        ORDER BY f.id LIMIT 1
        FOR NO KEY UPDATE OF f
        """,
        after_id,
    )
    return row and FixToBill(**row)


async def record_fix(
    connection: Connection, *, customer_id: int, fix_id: int, plan: str, catalog_version_id: int
) -> None:
    """
    Note that a fix is to be billed later, at the price of now.
    """
    await connection.execute(
        """
        UPDATE fixes SET state = 'recorded', blocked_reason = NULL, settled_at = NULL, recorded_plan = $3,
                         recorded_catalog_version_id = $4
        WHERE customer_id = $1 AND id = $2
        """,
        customer_id,
        fix_id,
        plan,
        catalog_version_id,
    )


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


async def charge_fix(connection: Connection, *, customer_id: int, fix_id: int) -> None:
    """
    Note that a debt is open for a fix.
    """
    await connection.execute(
        """
        UPDATE fixes SET state = 'charging', blocked_reason = NULL, settled_at = NULL
        WHERE customer_id = $1 AND id = $2
        """,
        customer_id,
        fix_id,
    )


async def settle_charged_fix(connection: Connection, *, customer_id: int, fix_id: int, settled_at: datetime) -> bool:
    """
    Note that a credit was bought and consumed for a fix; False when that was noted before.
    """
    tag = await connection.execute(
        """
        UPDATE fixes SET state = 'consumed', settled_at = $3
        WHERE customer_id = $1 AND id = $2 AND state = 'charging'
        """,
        customer_id,
        fix_id,
        settled_at,
    )
    return changed_rows(tag) == 1


async def consume_for_fix(connection: Connection, *, customer_id: int, fix_id: int, settled_at: datetime) -> None:
    """
    Note that a credit was consumed for a fix that was blocked or recorded.
    """
    await connection.execute(
        """
        UPDATE fixes SET state = 'consumed', blocked_reason = NULL, settled_at = $3
        WHERE customer_id = $1 AND id = $2 AND state IN ('blocked', 'recorded')
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
