"""
How a refund is let go: at rest until its time, or ended.
"""

from datetime import datetime, timedelta

import structlog

from rsolv.audit import SYSTEM, record
from rsolv.db import Connection
from rsolv.jobs import enqueue
from rsolv.refunds.queries import refunds
from rsolv.refunds.rules import (
    UNRESOLVED,
    UNRESOLVED_AFTER,
    Refund,
    RefundState,
    advance_job,
    notice_job,
    pause,
)

log = structlog.get_logger()


async def rest(
    connection: Connection,
    refund: Refund,
    *,
    now: datetime,
    state: RefundState | None = None,
    reason: str | None = None,
) -> Refund:
    """
    Let go of a refund until its time, with the job that goes on then. Somebody is told of a *reason*, and after days.
    """
    reason = reason or (UNRESOLVED if now >= refund.asked_at + UNRESOLVED_AFTER else None)
    wake_at = now + pause(refund, now=now)
    moved = await refunds.move_refund(
        connection,
        refund,
        state=state or refund.state,
        wake_at=wake_at,
        parked_reason=reason,
        failure_reason=None,
        now=now,
    )
    await enqueue(
        connection, advance_job(customer_id=moved.customer_id, refund_id=moved.id, wake_at=wake_at, now=now, why="rest")
    )
    if reason is not None and reason != refund.parked_reason:
        await note(connection, moved, "refund:parked", reason=reason)
        log.error("refund_parked", customer_id=refund.customer_id, refund_id=refund.id, reason=reason)
    return moved


async def end(
    connection: Connection, refund: Refund, *, state: RefundState, failure_reason: str | None, now: datetime
) -> Refund:
    """
    End a refund, record it and tell the customer.
    """
    moved = await refunds.move_refund(
        connection,
        refund,
        state=state,
        wake_at=None,
        parked_reason=None,
        failure_reason=failure_reason,
        now=now,
    )
    await note(connection, moved, f"refund:{state}", failure_reason=failure_reason)
    await enqueue(connection, notice_job(moved, state))
    if state != "succeeded":
        log.error("refund_failed", customer_id=refund.customer_id, refund_id=refund.id, reason=failure_reason)
    return moved


async def note(connection: Connection, refund: Refund, action: str, **facts: object) -> None:
    """
    Record what became of a refund.
    """
    await record(
        connection,
        actor=SYSTEM,
        action=action,
        subject=f"refund {refund.id}",
        customer_id=refund.customer_id,
        facts=refund.paid.facts | {"stripe_refund_id": refund.stripe_refund_id} | facts,
    )


async def come_again(connection: Connection, refund: Refund, *, after: timedelta, now: datetime) -> None:
    """
    Promise to come again to a refund that another holds, or that is not due.
    """
    wake_at = now + after
    await enqueue(
        connection,
        advance_job(
            customer_id=refund.customer_id,
            refund_id=refund.id,
            wake_at=wake_at,
            now=now,
            why=f"early {now.timestamp()}",
        ),
    )
