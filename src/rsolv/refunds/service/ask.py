"""
Ask for money to be given back.
"""

from datetime import datetime

import structlog

from rsolv import charges
from rsolv.audit import SYSTEM, Actor, record
from rsolv.charges import ChargePaidAfterEnd, PaidCharge
from rsolv.db import Connection
from rsolv.jobs import enqueue
from rsolv.kernel.money import money
from rsolv.refunds.errors import ChargeDisputed, RefundDiffers, RefundExceedsCharge
from rsolv.refunds.queries import refunds
from rsolv.refunds.rules import Refund, advance_job, left_cents
from rsolv.refunds.service.read import get_refund
from rsolv.stripe_gateway import RefundReason

PAID_TOO_LATE = "Paid after the charge had ended."

log = structlog.get_logger()


async def ask_refund(
    connection: Connection,
    *,
    customer_id: int,
    charge_id: int,
    amount_cents: int | None,
    reason: str,
    actor: Actor,
    now: datetime,
    act: str | None = None,
    stripe_reason: RefundReason = "requested_by_customer",
) -> Refund:
    """
    Promise to give back a part of a charge, or (None) what is left of it; the worker asks Stripe.

    Locks the charge until the transaction ends, so that refunds asked for at once never exceed it. With an *act* a
    repeat asks for nothing more and returns the refund as it is.

    Raises:
        UnknownCharge: the customer has no such charge.
        ChargeNotPaid: nothing was paid by it.
        ChargeDisputed: the customer's bank has taken the money, or may.
        RefundExceedsCharge: less is left, counting what is on its way; nothing is written.
        RefundDiffers: the act asked for something else before.
    """
    charge = await charges.lock_paid_charge(connection, customer_id=customer_id, charge_id=charge_id)
    asked = act and await refunds.find_refund_of_act(connection, customer_id=customer_id, act=act)
    if asked:
        if asked.charge_id != charge_id or amount_cents not in (None, asked.amount_cents):
            raise RefundDiffers(act=act)
        return asked
    cents = await _amount(connection, charge, customer_id=customer_id, amount_cents=amount_cents)
    refund_id = await refunds.insert_refund(
        connection,
        customer_id=customer_id,
        charge_id=charge_id,
        amount_cents=cents,
        currency=charge.currency,
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
        facts={"charge_id": charge_id, "amount_cents": cents, "reason": reason},
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
        charge_id=paid.charge_id,
        amount_cents=None,
        reason=PAID_TOO_LATE,
        actor=SYSTEM,
        act=f"paid_after_end:{paid.charge_id}",
        now=paid.occurred_at,
    )
    log.error("late_payment_refunded", customer_id=paid.customer_id, charge_id=paid.charge_id, refund_id=refund.id)


async def _amount(connection: Connection, charge: PaidCharge, *, customer_id: int, amount_cents: int | None) -> int:
    if charge.dispute_state in ("disputed", "lost") or charge.amount_disputed_cents:
        raise ChargeDisputed(charge_id=charge.id)
    left = left_cents(
        charge.amount_cents,
        taken_back_cents=charge.amount_refunded_cents,
        asked_cents=await refunds.sum_asked(connection, customer_id=customer_id, charge_id=charge.id),
    )
    cents = left if amount_cents is None else amount_cents
    if not 0 < cents <= left:
        raise RefundExceedsCharge(charge_id=charge.id, left=money(left, charge.currency))
    return cents
