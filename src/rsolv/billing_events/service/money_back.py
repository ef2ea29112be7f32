"""
What is done about events of money on its way back: refunds, and charges that they were made of.
"""

from collections.abc import Sequence

from rsolv import charges, refunds
from rsolv.billing_events.rules import NOT_OURS, BillingEvent, Verdict, ignored, processed, word_in
from rsolv.billing_events.service.means import Means, Settle
from rsolv.db import Connection
from rsolv.stripe_gateway import Refund


async def look_at_refund(means: Means, event: BillingEvent) -> Settle | Verdict:
    """
    Read a refund of one of our payments, and the payment.
    """
    if not event.is_thin and await _owner(means, word_in(event, "payment_intent")) is None:
        return ignored(NOT_OURS)
    refund = await means.gateway.read_refund(event.object_id or "")
    return await _settle_all(means, refund.payment_id, [refund])


async def look_at_refunds(means: Means, event: BillingEvent) -> Settle | Verdict:
    """
    Read all refunds of one of our payments: what is refunded of a charge is told as a sum, which says of none how much.
    """
    payment_id = word_in(event, "payment_intent")
    if payment_id is None or await _owner(means, payment_id) is None:
        return ignored(NOT_OURS)
    return await _settle_all(means, payment_id, await means.gateway.list_refunds(payment_id))


async def _owner(means: Means, payment_id: str | None) -> tuple[int, int] | None:
    if payment_id is None:
        return None
    async with means.database.reading() as connection:
        return await charges.find_owner_of_payment(connection, stripe_payment_id=payment_id)


async def _settle_all(means: Means, payment_id: str | None, found: Sequence[Refund]) -> Settle | Verdict:
    """
    Settle the payment first: of one whose success we have not heard yet, nothing can come back.
    """
    owner = await _owner(means, payment_id)
    if owner is None or payment_id is None:
        return ignored(NOT_OURS)
    payment = await means.gateway.read_payment(payment_id)

    async def settle(connection: Connection) -> Verdict:
        await charges.settle(connection, means.bus, payment, now=means.now)
        for refund in reversed(found):
            await refunds.settle_refund(connection, means.bus, refund, now=means.now)
        return processed(owner[0])

    return settle
