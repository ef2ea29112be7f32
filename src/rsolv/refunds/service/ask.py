"""
Ask for money to be given back.
"""

from datetime import datetime

import structlog

from rsolv import reversals
from rsolv.audit import SYSTEM, Actor, record
from rsolv.charges import ChargePaidAfterEnd
from rsolv.db import Connection
from rsolv.jobs import enqueue
from rsolv.kernel.money import money
from rsolv.refunds.errors import (
    ChargeDisputed,
    InvoiceDisputed,
    InvoicePaidInParts,
    RefundDiffers,
    RefundExceedsCharge,
    RefundExceedsInvoice,
)
from rsolv.refunds.queries import refunds
from rsolv.refunds.rules import Refund, advance_job, left_cents
from rsolv.refunds.service.read import get_refund
from rsolv.reversals import Paid, Reversible
from rsolv.stripe_gateway import RefundReason

PAID_TOO_LATE = "Paid after the charge had ended."

log = structlog.get_logger()


async def ask_refund(
    connection: Connection,
    *,
    customer_id: int,
    paid: Paid,
    amount_cents: int | None,
    reason: str,
    actor: Actor,
    now: datetime,
    act: str | None = None,
    stripe_reason: RefundReason = "requested_by_customer",
) -> Refund:
    """
    Promise to give back a part of a charge or an invoice, or (None) what is left of it; the worker asks Stripe.

    Locks it until the transaction ends, so that refunds asked for at once never exceed it. With an *act* a repeat asks
    for nothing more and returns the refund as it is. A subscription goes on, whatever of its invoices is refunded.

    Raises:
        UnknownCharge, UnknownInvoice: the customer has no such thing.
        ChargeNotPaid, InvoiceNotPaid: nothing was paid by it.
        ChargeDisputed, InvoiceDisputed: the customer's bank has taken the money, or may.
        RefundExceedsCharge, RefundExceedsInvoice: less is left, counting what is on its way; nothing is written.
        InvoicePaidInParts: there is not one payment to give back.
        RefundDiffers: the act asked for something else before.
    """
    held = await reversals.lock_paid(connection, customer_id=customer_id, paid=paid)
    asked = act and await refunds.find_refund_of_act(connection, customer_id=customer_id, act=act)
    if asked:
        if asked.paid != paid or amount_cents not in (None, asked.amount_cents):
            raise RefundDiffers(act=act)
        return asked
    cents = await _amount(connection, held, customer_id=customer_id, amount_cents=amount_cents)
    refund_id = await refunds.insert_refund(
        connection,
        customer_id=customer_id,
        paid=paid,
        amount_cents=cents,
        currency=held.currency,
        reason=reason,
        stripe_reason=stripe_reason,
        asked_by=str(actor),
        act=act,
        now=now,
    )
    await record(
        connection,
        actor=actor,
        action="refund:asked",
        subject=f"refund {refund_id}",
        customer_id=customer_id,
        facts=paid.facts | {"amount_cents": cents, "reason": reason},
    )
    refund = await get_refund(connection, customer_id=customer_id, refund_id=refund_id)
    await enqueue(
        connection, advance_job(customer_id=refund.customer_id, refund_id=refund.id, wake_at=now, now=now, why="asked")
    )
    return refund


async def refund_late_payment(connection: Connection, paid: ChargePaidAfterEnd) -> None:
    """
    Give all of it back that was paid after a charge had ended, and tell somebody.

    Subscribes to `ChargePaidAfterEnd`, so it is asked for in the transaction that posts the money.
    """
    refund = await ask_refund(
        connection,
        customer_id=paid.customer_id,
        paid=Paid("charge", paid.charge_id),
        amount_cents=None,
        reason=PAID_TOO_LATE,
        actor=SYSTEM,
        act=f"paid_after_end:{paid.charge_id}",
        now=paid.occurred_at,
    )
    log.error("late_payment_refunded", customer_id=paid.customer_id, charge_id=paid.charge_id, refund_id=refund.id)


async def _amount(connection: Connection, held: Reversible, *, customer_id: int, amount_cents: int | None) -> int:
    is_charge = held.paid.kind == "charge"
    if held.dispute_state in ("disputed", "lost") or held.amount_disputed_cents:
        raise (ChargeDisputed if is_charge else InvoiceDisputed)(**held.paid.facts)
    if len(held.stripe_payment_ids) != 1:
        raise InvoicePaidInParts(**held.paid.facts)
    left = left_cents(
        held.amount_cents,
        taken_back_cents=held.amount_refunded_cents,
        asked_cents=await refunds.sum_asked(connection, customer_id=customer_id, paid=held.paid),
    )
    cents = left if amount_cents is None else amount_cents
    if not 0 < cents <= left:
        exceeds = RefundExceedsCharge if is_charge else RefundExceedsInvoice
        raise exceeds(left=money(left, held.currency), **held.paid.facts)
    return cents
