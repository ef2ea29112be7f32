"""
Bill a fix, once; or, while billing is off, write down that it is to be billed.
"""

from rsolv import ledger
from rsolv.db import Connection
from rsolv.fixes.queries import fixes
from rsolv.fixes.rules import (
    ALREADY_BILLED,
    BLOCKED,
    CONSUMED,
    RECORDED,
    FixMetered,
    FixToBill,
    PhaseCompleted,
)
from rsolv.fixes.service.bill import bill, price_of_now


async def meter_fix(connection: Connection, completed: PhaseCompleted) -> FixMetered | None:
    """
    Consume a credit for a billable result; without credits open a debt for it, or record the fix as blocked.

    None when it is not billable. Subscribes to `PhaseCompleted`, so it runs in the transaction that stores the result;
    Stripe is called later, by the job of the debt. Idempotent by customer, repository and issue: a repeat moves
    nothing. A fix that was blocked is tried again when it is reported again.
    """
    fix = await _fix_to_bill(connection, completed)
    if isinstance(fix, FixToBill):
        return await bill(connection, fix, now=completed.occurred_at)
    return fix


async def record_unbilled_fix(connection: Connection, completed: PhaseCompleted) -> FixMetered | None:
    """
    Record a billable result with the price of now; nothing is consumed or charged. None when it is not billable.

    Subscribes to `PhaseCompleted` in place of `meter_fix` while billing is switched off; `bill_recorded` bills it when
    it is on again.
    """
    fix = await _fix_to_bill(connection, completed)
    if not isinstance(fix, FixToBill):
        return fix
    balance = await ledger.balance(connection, customer_id=completed.customer_id)
    if fix.state != RECORDED:
        plan, version = await price_of_now(connection, customer_id=fix.customer_id)
        await fixes.record_fix(
            connection, customer_id=fix.customer_id, fix_id=fix.id, plan=plan, catalog_version_id=version.id
        )
    return FixMetered(RECORDED, balance)


async def _fix_to_bill(connection: Connection, completed: PhaseCompleted) -> FixToBill | FixMetered | None:
    """
    Return the fix that a result makes billable, new or still open; or what is to be answered where there is none.
    """
    if not completed.billable or completed.issue_number is None:
        return None
    fix_id = await fixes.insert_fix_once(connection, completed)
    if fix_id is not None:
        return FixToBill(
            id=fix_id,
            customer_id=completed.customer_id,
            api_key_id=completed.api_key_id,
            repository=str(completed.repository),
            issue_number=completed.issue_number,
            state=CONSUMED,
            plan=None,
            catalog_version_id=None,
        )
    live = await fixes.lock_live_fix(
        connection,
        customer_id=completed.customer_id,
        repository_id=completed.repository_id,
        issue_number=completed.issue_number,
    )
    if live is not None and live.state in {BLOCKED, RECORDED}:
        return live
    return FixMetered(ALREADY_BILLED, await ledger.balance(connection, customer_id=completed.customer_id))
