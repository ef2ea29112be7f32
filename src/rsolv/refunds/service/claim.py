"""
Take a refund up, alone, and write down that Stripe is about to be asked.
"""

from datetime import datetime, timedelta

import structlog

from rsolv import reversals
from rsolv.db import Connection
from rsolv.jobs import enqueue
from rsolv.refunds.errors import UnknownRefund
from rsolv.refunds.queries import refunds
from rsolv.refunds.rules import FINAL, LEASE, Refund, advance_job, may_repeat
from rsolv.refunds.service.rest import come_again

OVERDUE_AFTER = timedelta(minutes=1)
AT_A_TIME = 1_000

log = structlog.get_logger()


async def claim(connection: Connection, *, customer_id: int, refund_id: int, now: datetime) -> Refund | None:
    """
    Take up a refund that is due and that nobody holds, for as long as the lease; None when there is nothing to do now.

    Who comes while another holds it, or too early, promises to come again.

    Raises:
        UnknownRefund: the customer has no such refund.
    """
    refund = await refunds.lock_refund(connection, customer_id=customer_id, refund_id=refund_id)
    if refund is None:
        raise UnknownRefund(refund_id=refund_id)
    if refund.state in FINAL or refund.wake_at is None:
        return None
    is_ours = await refunds.claim_refund(connection, customer_id=customer_id, refund_id=refund_id, lease=LEASE, now=now)
    if is_ours:
        return refund
    left = refund.wake_at - now
    await come_again(connection, refund, after=left if left > timedelta(0) else LEASE, now=now)
    return None


async def prepare_sending(connection: Connection, claimed: Refund, *, now: datetime) -> Refund | None:
    """
    Write down that Stripe is about to be asked; None when somebody has learned meanwhile what it made.

    Sent again it is under the key of the last time, unless Stripe may have forgotten that, or keeps an error under it.
    """
    refund = await refunds.lock_refund(connection, customer_id=claimed.customer_id, refund_id=claimed.id)
    assert refund is not None, "refunds stay"
    if refund.stripe_refund_id is not None or refund.state in FINAL:
        return None
    with_new_key = refund.tries > 0 and not may_repeat(refund, now=now)
    return await refunds.note_sending(connection, refund, with_new_key=with_new_key, now=now)


async def payments_of(connection: Connection, refund: Refund) -> list[str]:
    """
    Return the payments at Stripe that it may give back: one, unless it was made there of an invoice paid in parts.
    """
    found = await reversals.list_payments(connection, customer_id=refund.customer_id, paid=refund.paid)
    assert found, "it was paid"
    return found


async def wake_overdue(connection: Connection, *, now: datetime) -> int:
    """
    Promise anew to go on with refunds whose time has come and that nobody holds; returns how many, a thousand at most.
    """
    overdue = await refunds.list_overdue_by_wake_time(connection, due_before=now - OVERDUE_AFTER, limit=AT_A_TIME)
    if overdue:
        jobs = [
            advance_job(
                customer_id=row["customer_id"], refund_id=row["id"], wake_at=row["wake_at"], now=now, why="overdue"
            )
            for row in overdue
        ]
        await enqueue(connection, *jobs)
        log.warning("refunds_overdue", count=len(overdue))
    return len(overdue)
