"""
What is done about events of money on its way back: refunds and disputes.
"""

from collections.abc import Awaitable, Callable

from rsolv import charges, disputes, refunds
from rsolv.billing_events.rules import NOT_OURS, BillingEvent, Verdict, ignored, processed, word_in
from rsolv.billing_events.service.means import Means, Settle
from rsolv.db import Connection

Believe = Callable[[Connection], Awaitable[object]]


async def look_at_refund(means: Means, event: BillingEvent) -> Settle | Verdict:
    """
    Read a refund of one of our payments.
    """
    if await _is_of_others(means, event):
        return ignored(NOT_OURS)
    theirs = await means.gateway.read_refund(event.object_id or "")

    async def believe(connection: Connection) -> None:
        await refunds.settle_refund(connection, means.bus, theirs, now=means.now)

    return await _settle_after_payment(means, theirs.payment_id, believe)


async def look_at_refunds(means: Means, event: BillingEvent) -> Settle | Verdict:
    """
    Read all refunds of one of our payments: what is refunded of a charge is told as a sum, which says of none how much.
    """
    payment_id = word_in(event, "payment_intent")
    if payment_id is None or await _is_of_others(means, event):
        return ignored(NOT_OURS)
    found = await means.gateway.list_refunds(payment_id)

    async def believe(connection: Connection) -> None:
        for theirs in reversed(found):
            await refunds.settle_refund(connection, means.bus, theirs, now=means.now)

    return await _settle_after_payment(means, payment_id, believe)


async def look_at_dispute(means: Means, event: BillingEvent) -> Settle | Verdict:
    """
    Read a dispute of one of our payments, whatever happened to it: the truth is where the money is, not the event.
    """
    if await _is_of_others(means, event):
        return ignored(NOT_OURS)
    theirs = await means.gateway.read_dispute(event.object_id or "")

    async def believe(connection: Connection) -> None:
        await disputes.settle_dispute(connection, means.bus, theirs, now=means.now)

    return await _settle_after_payment(means, theirs.payment_id, believe)


async def _is_of_others(means: Means, event: BillingEvent) -> bool:
    """
    Tell from a snapshot alone that it is about no payment of ours; a thin event has to be looked at.
    """
    return not event.is_thin and await _owner(means, word_in(event, "payment_intent")) is None


async def _owner(means: Means, payment_id: str | None) -> tuple[int, int] | None:
    if payment_id is None:
        return None
    async with means.database.reading() as connection:
        return await charges.find_owner_of_payment(connection, stripe_payment_id=payment_id)


async def _settle_after_payment(means: Means, payment_id: str | None, believe: Believe) -> Settle | Verdict:
    """
    Settle the payment first where we have not heard yet that it was paid: before that nothing of it can come back.
    """
    owner = await _owner(means, payment_id)
    if owner is None or payment_id is None:
        return ignored(NOT_OURS)
    async with means.database.reading() as connection:
        charge = await charges.get_charge(connection, customer_id=owner[0], charge_id=owner[1])
    payment = None if charge.state == "succeeded" else await means.gateway.read_payment(payment_id)

    async def settle(connection: Connection) -> Verdict:
        if payment is not None:
            await charges.settle(connection, means.bus, payment, now=means.now)
        await believe(connection)
        return processed(owner[0])

    return settle
