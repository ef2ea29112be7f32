"""
What is done about events of money on its way back: refunds and disputes, of charges and of subscriptions' invoices.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from rsolv import disputes, refunds
from rsolv.billing_events.rules import (
    INVOICE_NOT_PAID,
    NOT_OURS,
    BillingEvent,
    Verdict,
    ignored,
    parked,
    processed,
    word_in,
)
from rsolv.billing_events.service.means import Means, Settle
from rsolv.billing_events.service.paid import PaidFirst, find_paid
from rsolv.db import Connection

Believe = Callable[[Connection], Awaitable[bool]]
"""
Believes what was read; False when it is of no payment that is known to have been made.
"""


@dataclass(frozen=True, slots=True)
class _Read:
    """
    What was read at Stripe: of which payment it is, and how to believe it.
    """

    payment_id: str | None
    believe: Believe


Read = Callable[[], Awaitable[_Read]]


async def look_at_refund(means: Means, event: BillingEvent) -> Settle | Verdict:
    """
    Read a refund of one of our payments.
    """

    async def read() -> _Read:
        theirs = await means.gateway.read_refund(event.object_id or "")

        async def believe(connection: Connection) -> bool:
            settled = await refunds.settle_refund(connection, means.bus, theirs, now=means.now)
            return settled.believed != "foreign"

        return _Read(theirs.payment_id, believe)

    return await _look(means, event, read)


async def look_at_refunds(means: Means, event: BillingEvent) -> Settle | Verdict:
    """
    Read all refunds of one of our payments: what is refunded of a charge is told as a sum, which says of none how much.
    """
    payment_id = word_in(event, "payment_intent")
    if payment_id is None:
        return ignored(NOT_OURS)

    async def read() -> _Read:
        found = await means.gateway.list_refunds(payment_id)

        async def believe(connection: Connection) -> bool:
            settled = [
                await refunds.settle_refund(connection, means.bus, theirs, now=means.now) for theirs in reversed(found)
            ]
            return all(each.believed != "foreign" for each in settled)

        return _Read(payment_id, believe)

    return await _look(means, event, read)


async def look_at_dispute(means: Means, event: BillingEvent) -> Settle | Verdict:
    """
    Read a dispute of one of our payments, whatever happened to it: the truth is where the money is, not the event.
    """

    async def read() -> _Read:
        theirs = await means.gateway.read_dispute(event.object_id or "")

        async def believe(connection: Connection) -> bool:
            settled = await disputes.settle_dispute(connection, means.bus, theirs, now=means.now)
            return settled.believed != "foreign"

        return _Read(theirs.payment_id, believe)

    return await _look(means, event, read)


async def _look(means: Means, event: BillingEvent, read: Read) -> Settle | Verdict:
    """
    Find out whose payment a snapshot is about before anything of it is read; a thin event has to be read for that.

    What the snapshot says is a hint: should what is read be of another payment, that one counts.
    """
    told = None if event.is_thin else word_in(event, "payment_intent")
    paid = None if event.is_thin else await find_paid(means, event, told)
    if paid is None and not event.is_thin:
        return ignored(NOT_OURS)
    found = await read()
    if event.is_thin or found.payment_id != told:
        paid = await find_paid(means, event, found.payment_id)
    return ignored(NOT_OURS) if paid is None else _settle_after_payment(means, paid, found.believe)


def _settle_after_payment(means: Means, paid: PaidFirst, believe: Believe) -> Settle:
    """
    Settle what was paid first where we have not heard of it yet: before that nothing of it can come back.
    """

    async def settle(connection: Connection) -> Verdict:
        verdict = await paid.settle(connection, means)
        if verdict.outcome != "processed":
            return verdict
        is_known = await believe(connection)
        return processed(verdict.customer_id) if is_known else parked(INVOICE_NOT_PAID, verdict.customer_id)

    return settle
