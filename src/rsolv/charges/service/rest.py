"""
How a charge is held, let go and parked: every step ends in one of these.
"""

from datetime import datetime, timedelta

import structlog

from rsolv.audit import SYSTEM, record
from rsolv.charges.errors import FenceLost
from rsolv.charges.queries import debts, intents
from rsolv.charges.rules import NOT_COLLECTED, ChargeState, Held, Intent, advance_job, concerns_customer, notice_job
from rsolv.db import Connection
from rsolv.jobs import enqueue

log = structlog.get_logger()


async def hold(connection: Connection, intent: Intent) -> Intent:
    """
    Lock a charge that this worker has claimed, and read it again.

    Raises:
        FenceLost: it has been claimed by another since.
    """
    found = await intents.lock_intent(connection, customer_id=intent.customer_id, charge_id=intent.id)
    if found is None or found.fence != intent.fence:
        raise FenceLost
    return found


async def go_on(
    connection: Connection, intent: Intent, *, state: ChargeState, lease: timedelta | None, now: datetime
) -> Intent:
    """
    Move a charge to its next state; with a *lease* this worker keeps it, without one it is due at once.

    Raises:
        FenceLost: it has been moved by another since it was read.
    """
    moved = await intents.move_intent(
        connection,
        intent,
        to_state=state,
        wake_at=now + (lease or timedelta(0)),
        parked_reason=None,
        lease=lease,
        now=now,
    )
    if moved is None:
        raise FenceLost
    return moved


async def rest(
    connection: Connection, intent: Intent, held: Held, *, now: datetime, state: ChargeState | None = None
) -> Intent:
    """
    Let go of a charge until its time, with the job that goes on then; without a time it is parked until somebody acts.

    A reason that is new is recorded, and told to the customer where it is theirs.

    Raises:
        FenceLost: it has been moved by another since it was read.
    """
    reason = held.reason or None
    moved = await intents.move_intent(
        connection,
        intent,
        to_state=state or intent.state,
        wake_at=held.look_again_at,
        parked_reason=reason,
        lease=None,
        now=now,
    )
    if moved is None:
        raise FenceLost
    if moved.state == "declined" or reason in NOT_COLLECTED:
        await debts.note_overdue_once(connection, moved, since=now)
    if held.look_again_at is not None:
        await enqueue(
            connection,
            advance_job(
                customer_id=intent.customer_id,
                charge_id=intent.id,
                wake_at=held.look_again_at,
                now=now,
                why=str(intent.fence),
            ),
        )
    if reason is not None and reason != intent.parked_reason:
        if concerns_customer(reason):
            await enqueue(connection, notice_job(intent, reason))
        await note(connection, intent, "charge:parked", reason=reason)
        log.warning("charge_parked", customer_id=intent.customer_id, charge_id=intent.id, reason=reason)
    return moved


async def end(connection: Connection, intent: Intent, *, state: ChargeState, reason: str | None, now: datetime) -> None:
    """
    End a charge unpaid.

    Raises:
        FenceLost: it has been moved by another since it was read.
    """
    moved = await intents.move_intent(
        connection, intent, to_state=state, wake_at=None, parked_reason=reason, lease=None, now=now
    )
    if moved is None:
        raise FenceLost
    await note(connection, intent, f"charge:{state}", reason=reason)


async def note(connection: Connection, intent: Intent, action: str, **facts: object) -> None:
    """
    Record what became of a charge.
    """
    await record(
        connection,
        actor=SYSTEM,
        action=action,
        subject=f"charge {intent.id}",
        customer_id=intent.customer_id,
        facts={"stripe_payment_id": intent.stripe_payment_id, "attempts": intent.attempts} | facts,
    )
