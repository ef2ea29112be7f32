"""
Read disputes at Stripe and believe them, so that nothing depends on being told.
"""

from dataclasses import replace
from datetime import datetime

import structlog

from rsolv.db import Connection, Database
from rsolv.disputes.queries import disputes
from rsolv.disputes.rules import MISSING_AT_STRIPE, look_job, next_look
from rsolv.disputes.service.settle import Settled, settle_dispute
from rsolv.disputes.service.tell import tell
from rsolv.jobs import enqueue
from rsolv.kernel.events import EventBus
from rsolv.stripe_gateway import GatewayMisused, StripeGateway

AT_A_TIME = 1_000

log = structlog.get_logger()


async def look_at_dispute(
    database: Database, gateway: StripeGateway, bus: EventBus, *, stripe_dispute_id: str, now: datetime
) -> Settled:
    """
    Read one dispute and settle by it. Any number may do so at once.

    Raises:
        GatewayFailure: it could not be read now; nothing has changed.
    """
    try:
        theirs = await gateway.read_dispute(stripe_dispute_id)
    except GatewayMisused as failure:
        if not failure.is_missing:
            raise
        return await _missing(database, stripe_dispute_id, now=now)
    async with database.transaction() as connection:  # lint: allow one-transaction-place -- a call lies before it
        return await settle_dispute(connection, bus, theirs, now=now)


async def look_at_payment(
    database: Database, gateway: StripeGateway, bus: EventBus, *, stripe_payment_id: str, now: datetime
) -> list[Settled]:
    """
    Settle by every dispute that Stripe has of a payment: for who read that it is disputed, and heard of none.

    Raises:
        GatewayFailure: they could not be listed now; nothing has changed.
    """
    found = await gateway.list_disputes(stripe_payment_id)
    settled = []
    for theirs in reversed(found):
        async with database.transaction() as connection:  # lint: allow one-transaction-place -- a call lies before it
            settled.append(await settle_dispute(connection, bus, theirs, now=now))
    return settled


async def wake_due(connection: Connection, *, now: datetime) -> int:
    """
    Promise to read every dispute whose time has come; returns how many, a thousand at most.

    One that is promised already is not promised twice; one whose job was lost is promised again.
    """
    due = await disputes.list_due_by_wake_time(connection, now=now, limit=AT_A_TIME)
    if due:
        await enqueue(connection, *(look_job(dispute.stripe_dispute_id, why=str(dispute.wake_at)) for dispute in due))
    return len(due)


async def _missing(database: Database, stripe_dispute_id: str, *, now: datetime) -> Settled:
    """
    Park what Stripe has lost; books and freeze stay as they are.
    """
    async with database.transaction() as connection:  # lint: allow one-transaction-place -- a call lies before it
        customer_id = await disputes.find_owner_by_stripe_id(connection, stripe_dispute_id)
        if customer_id is None:
            log.warning("dispute_unknown", stripe_dispute_id=stripe_dispute_id)
            return Settled("foreign")
        known = await disputes.lock_dispute(connection, customer_id=customer_id, stripe_dispute_id=stripe_dispute_id)
        assert known is not None, "the look-up refers to it"
        wake_at = next_look(changed_at=known.changed_at, is_over=False, is_parked=True, now=now)
        parked = replace(known, parked_reason=MISSING_AT_STRIPE, wake_at=wake_at)
        await disputes.update_dispute(connection, parked)
        await tell(connection, parked, known=known)
        return Settled("parked", parked)
