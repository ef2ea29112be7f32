"""
Have the books where Stripe has the money of a dispute.
"""

from dataclasses import replace
from datetime import datetime

from rsolv import charges, reversals, subscriptions
from rsolv.db import Connection
from rsolv.disputes.rules import MORE_THAN_CAPTURED, NOT_PAID_HERE, SEVERAL_GRANTS, Dispute, move_of, reversal_of
from rsolv.kernel.events import EventBus
from rsolv.stripe_gateway import Dispute as TheirDispute


async def move_money(
    connection: Connection, bus: EventBus, known: Dispute, theirs: TheirDispute, *, what: str | None, now: datetime
) -> Dispute:
    """
    Take a disputed payment back in our books or restore it, and return the dispute with what they then have of it.

    Nothing is taken where something differs (*what*), where the charge is not paid here, or where more would go back
    than came: then the dispute says so in `parked_reason`. What was taken is restored in any case.
    """
    move = move_of(known, theirs)
    if move == "restore":
        await _restore(connection, bus, known, now=now)
        return replace(known, money="restored", parked_reason=what)
    amount_cents = known.amount_cents if known.money == "taken" else theirs.amount_cents
    if move is None or what is not None:
        return replace(known, amount_cents=amount_cents, parked_reason=what)
    refused = await _take(connection, bus, known, theirs, now=now)
    if refused is not None:
        return replace(known, amount_cents=amount_cents, parked_reason=refused)
    return replace(
        known, amount_cents=amount_cents, money="taken", taken_at_movement=theirs.movements, parked_reason=None
    )


async def _take(
    connection: Connection, bus: EventBus, known: Dispute, theirs: TheirDispute, *, now: datetime
) -> str | None:
    """
    Reverse the payment by the disputed amount; why not, if it cannot be.
    """
    try:
        await reversals.take_back(
            connection,
            bus,
            customer_id=known.customer_id,
            paid=known.paid,
            kind="dispute",
            stripe_object_id=reversal_of(known.stripe_dispute_id, movement=theirs.movements),
            amount_cents=theirs.amount_cents,
            now=now,
        )
    except (charges.ChargeNotPaid, subscriptions.InvoiceNotPaid):
        return NOT_PAID_HERE
    except reversals.ReversalExceedsPayment:
        return MORE_THAN_CAPTURED
    except reversals.SeveralGrants:
        return SEVERAL_GRANTS
    return None


async def _restore(connection: Connection, bus: EventBus, known: Dispute, *, now: datetime) -> None:
    assert known.taken_at_movement is not None, "it was taken"
    await reversals.restore(
        connection,
        bus,
        customer_id=known.customer_id,
        kind="dispute",
        stripe_object_id=reversal_of(known.stripe_dispute_id, movement=known.taken_at_movement),
        now=now,
    )
