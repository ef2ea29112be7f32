"""
Bill a fix, once.
"""

from rsolv import ledger
from rsolv.db import Connection
from rsolv.fixes.queries import fixes
from rsolv.fixes.rules import (
    ALREADY_BILLED,
    BLOCKED,
    CONSUMED,
    CREDITS_PER_FIX,
    NO_BILLING_INFO,
    FixMetered,
    PhaseCompleted,
)


async def meter_fix(connection: Connection, completed: PhaseCompleted) -> FixMetered | None:
    """
    Consume a credit for a billable result, or record the fix as blocked; None when it is not billable.

    Subscribes to `PhaseCompleted`, so it runs in the transaction that stores the result. Idempotent by customer,
    repository and issue: a repeat moves nothing. A fix that was blocked is tried again when it is reported again.
    """
    if not completed.billable or completed.issue_number is None:
        return None
    fix_id = await fixes.insert_fix_once(connection, completed)
    if fix_id is not None:
        return await _consume(connection, completed, fix_id, was_blocked=False)
    live = await fixes.lock_live_fix(
        connection,
        customer_id=completed.customer_id,
        repository_id=completed.repository_id,
        issue_number=completed.issue_number,
    )
    if live is not None and live.state == BLOCKED:
        return await _consume(connection, completed, live.id, was_blocked=True)
    return FixMetered(ALREADY_BILLED, await ledger.balance(connection, customer_id=completed.customer_id))


async def _consume(connection: Connection, completed: PhaseCompleted, fix_id: int, *, was_blocked: bool) -> FixMetered:
    customer_id = completed.customer_id
    try:
        posted = await ledger.consume(
            connection,
            customer_id=customer_id,
            credits=CREDITS_PER_FIX,
            cause=ledger.Cause("fix", str(fix_id)),
            basis=ledger.Basis(api_key_id=completed.api_key_id, fix_id=fix_id),
            metadata={"repository": str(completed.repository), "issue_number": completed.issue_number},
            now=completed.occurred_at,
        )
    except ledger.InsufficientCredits:
        if not was_blocked:
            await fixes.block_fix(connection, customer_id=customer_id, fix_id=fix_id, reason=NO_BILLING_INFO)
        return FixMetered(BLOCKED, await ledger.balance(connection, customer_id=customer_id), reason=NO_BILLING_INFO)
    if was_blocked:
        await fixes.settle_blocked_fix(
            connection, customer_id=customer_id, fix_id=fix_id, settled_at=completed.occurred_at
        )
    return FixMetered(CONSUMED, posted.balance_after)
