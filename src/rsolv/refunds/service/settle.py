"""
Believe Stripe: the one way in which a refund read there changes anything here.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import structlog

from rsolv import reversals, stripe_gateway
from rsolv.db import Connection
from rsolv.kernel.events import EventBus
from rsolv.refunds.queries import refunds
from rsolv.refunds.rules import (
    EXCEEDS_PAYMENT,
    FINAL,
    MADE_AT_STRIPE,
    NO_MONEY_BACK,
    SEVERAL_GRANTS,
    STRIPE,
    Refund,
    believed_state,
    difference,
    is_news,
    is_of,
    named_by,
)
from rsolv.refunds.service.rest import end, note, rest
from rsolv.reversals import Paid, ReversalExceedsPayment, SeveralGrants

Believed = Literal["foreign", "already", "moved", "parked"]
"""
What came of it: no payment of ours; no news; taken back, restored or waiting; somebody has to look.
"""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Settled:
    """
    What came of believing a refund at Stripe, and the refund here as it is now.
    """

    believed: Believed
    refund: Refund | None = None


async def settle_refund(
    connection: Connection, bus: EventBus, theirs: stripe_gateway.Refund, *, now: datetime
) -> Settled:
    """
    Make what Stripe says of a refund true here: all of it or nothing, any number of times, in any order.

    Under way or done, its money and credits are taken back once; failed or canceled, they are restored, and what is
    heard later of the time before moves nothing. One that was made at Stripe is taken in.
    Only a refund that was read there counts. Locks charge or invoice, refund and the customer's credits to the
    transaction's end.

    Raises:
        ChargeNotPaid: we have not heard yet that its charge was paid; to be settled again afterwards.
    """
    owner = theirs.payment_id and await reversals.find_owner_of_payment(connection, stripe_payment_id=theirs.payment_id)
    if not owner:
        return Settled("foreign")
    customer_id, paid = owner
    await reversals.lock_paid(connection, customer_id=customer_id, paid=paid)
    refund = await _known(connection, theirs, customer_id=customer_id, paid=paid)
    what = difference(refund, theirs)
    if what is not None and refund.state not in FINAL:
        return Settled("parked", await rest(connection, refund, reason=f"{what}_differs", now=now))
    state = believed_state(theirs)
    if not is_news(refund, state):
        if refund.state == "pending":
            refund = await rest(connection, refund, now=now)
        return Settled("already", refund)
    if state in NO_MONEY_BACK:
        await reversals.restore(
            connection, bus, customer_id=customer_id, kind="refund", stripe_object_id=theirs.id, now=now
        )
        reason = theirs.failure_reason
        return Settled("moved", await end(connection, refund, state=state, failure_reason=reason, now=now))
    return await _take_back(connection, bus, refund, theirs, now=now)


async def _take_back(
    connection: Connection, bus: EventBus, refund: Refund, theirs: stripe_gateway.Refund, *, now: datetime
) -> Settled:
    try:
        await reversals.take_back(
            connection,
            bus,
            customer_id=refund.customer_id,
            paid=refund.paid,
            kind="refund",
            stripe_object_id=theirs.id,
            amount_cents=theirs.amount_cents,
            now=now,
        )
    except ReversalExceedsPayment:
        # Another one has failed, or a dispute was won, and we have not heard of it: the next look reads them all.
        return Settled("parked", await rest(connection, refund, reason=EXCEEDS_PAYMENT, now=now))
    except SeveralGrants:
        return Settled("parked", await rest(connection, refund, reason=SEVERAL_GRANTS, now=now))
    if believed_state(theirs) == "succeeded":
        return Settled("moved", await end(connection, refund, state="succeeded", failure_reason=None, now=now))
    await note(connection, refund, "refund:pending")
    return Settled("moved", await rest(connection, refund, state="pending", now=now))


async def _known(connection: Connection, theirs: stripe_gateway.Refund, *, customer_id: int, paid: Paid) -> Refund:
    """
    Return the refund here that one at Stripe is: known before, asked for by us, or taken in now.
    """
    owner = await refunds.find_owner_by_stripe_refund(connection, theirs.id)
    refund_id = owner[1] if owner else named_by(theirs)
    found = refund_id and await refunds.lock_refund(connection, customer_id=customer_id, refund_id=refund_id)
    if found and owner:
        return found
    is_ours = found and is_of(found, theirs) and found.paid == paid
    if not (found and is_ours and found.state == "asked" and found.stripe_refund_id is None):
        if is_ours:
            log.error("refund_made_twice", customer_id=customer_id, refund_id=refund_id, stripe_refund_id=theirs.id)
        found = await _take_in(connection, theirs, customer_id=customer_id, paid=paid)
    await refunds.know_at_stripe(connection, found, stripe_refund_id=theirs.id)
    known = await refunds.lock_refund(connection, customer_id=customer_id, refund_id=found.id)
    assert known is not None, "refunds stay"
    return known


async def _take_in(connection: Connection, theirs: stripe_gateway.Refund, *, customer_id: int, paid: Paid) -> Refund:
    refund_id = await refunds.insert_refund(
        connection,
        customer_id=customer_id,
        paid=paid,
        amount_cents=theirs.amount_cents,
        currency=theirs.currency,
        reason=MADE_AT_STRIPE,
        stripe_reason=None,
        asked_by=STRIPE,
        act=None,
        now=theirs.created_at,
    )
    refund = await refunds.lock_refund(connection, customer_id=customer_id, refund_id=refund_id)
    assert refund is not None, "just written"
    await note(connection, refund, "refund:taken_in", stripe_reason=theirs.reason)
    return refund
