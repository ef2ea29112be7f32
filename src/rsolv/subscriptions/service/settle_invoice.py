"""
Believe what Stripe says of a subscription's invoice: its money and its credits are posted once it is paid, once.
"""

from datetime import datetime

import structlog

from rsolv import ledger
from rsolv.db import Connection
from rsolv.jobs import enqueue
from rsolv.kernel.events import EventBus
from rsolv.stripe_gateway import Invoice as StripeInvoice
from rsolv.subscriptions.queries import invoices, subscriptions
from rsolv.subscriptions.rules import Invoice, InvoicePaid, Subscription, credits_of, is_newer
from rsolv.subscriptions.service.owner import lock_owner
from rsolv.subscriptions.service.paid import note_payments
from rsolv.subscriptions.service.promises import notice_job
from rsolv.subscriptions.service.settle_subscription import Settled

log = structlog.get_logger()


async def settle_invoice(connection: Connection, bus: EventBus, theirs: StripeInvoice, *, now: datetime) -> Settled:
    """
    Take in an invoice of a subscription as it was read at Stripe by its id, with all its lines and payments.

    A paid one posts its money (cause: invoice and id) and, for each line that is a period at our price, its credits
    (cause: invoice line and id), and notes which payments paid it. Idempotent, and free of order: an invoice only goes
    from draft to its end, so an older word is known by itself. Locks the customer and the subscription, then the
    ledger.
    """
    assert theirs.has_all_lines, "read by its id"
    owner = await lock_owner(connection, theirs.stripe_subscription_id, theirs.subscription_metadata)
    if owner is None:
        return Settled("foreign")
    subscription = owner[1]
    if theirs.stripe_customer_id != subscription.stripe_customer_id:
        log.error("invoice_mixed_up", customer_id=subscription.customer_id, theirs=theirs.id)
        return Settled("mixed_up", subscription)
    known = await invoices.find_invoice_by_stripe_id(
        connection, customer_id=subscription.customer_id, stripe_invoice_id=theirs.id
    )
    if not is_newer(theirs, known):
        if known is not None:
            await note_payments(connection, theirs, customer_id=subscription.customer_id, invoice_id=known.id)
        return Settled("already", subscription)
    paid = await _save(connection, subscription, theirs, now=now)
    if paid is not None:
        await bus.publish(connection, paid)
    if _has_failed_again(theirs, known):
        about = f"{theirs.id}:{theirs.attempt_count}"
        await enqueue(connection, notice_job(subscription, "payment_failed", about=about))
    if known is None or (known.state, known.attempt_count) != (theirs.state, theirs.attempt_count):
        await subscriptions.look_again_by(connection, subscription, look_at=now)
    return Settled("settled", subscription)


async def _save(
    connection: Connection, subscription: Subscription, theirs: StripeInvoice, *, now: datetime
) -> InvoicePaid | None:
    is_paid = theirs.state == "paid"
    posting_id = await _post_money(connection, subscription, theirs) if is_paid and theirs.amount_paid_cents else None
    invoice_id = await invoices.save_invoice(
        connection, subscription, theirs, money_posting_id=posting_id, paid_at=now if is_paid else None
    )
    if theirs.state == "draft":
        return None
    for line in theirs.lines:
        await invoices.insert_line_once(connection, line, customer_id=subscription.customer_id, invoice_id=invoice_id)
    if not is_paid:
        return None
    await note_payments(connection, theirs, customer_id=subscription.customer_id, invoice_id=invoice_id)
    return InvoicePaid(
        customer_id=subscription.customer_id,
        subscription_id=subscription.id,
        invoice_id=invoice_id,
        amount_cents=theirs.amount_paid_cents,
        credits=await _grant_credits(connection, subscription, theirs),
        occurred_at=now,
    )


async def _post_money(connection: Connection, subscription: Subscription, theirs: StripeInvoice) -> int:
    posted = await ledger.post_money(
        connection,
        customer_id=subscription.customer_id,
        currency=theirs.currency,
        amounts_cents={"processor": theirs.amount_paid_cents, "revenue": -theirs.amount_paid_cents},
        source="pro_subscription_payment",
        cause=ledger.Cause("invoice", theirs.id),
        basis=_basis(subscription),
        metadata={"payments": [payment.payment_id for payment in theirs.payments]},
    )
    return posted.posting_id


async def _grant_credits(connection: Connection, subscription: Subscription, theirs: StripeInvoice) -> int:
    granted = 0
    for line in theirs.lines:
        credits = credits_of(subscription, theirs, line)
        if not credits:
            continue
        posted = await ledger.grant(
            connection,
            customer_id=subscription.customer_id,
            credits=credits,
            source="pro_subscription_payment",
            cause=ledger.Cause("invoice_line", line.id),
            basis=_basis(subscription),
            metadata={"stripe_invoice_id": theirs.id},
        )
        await invoices.credit_line(
            connection,
            customer_id=subscription.customer_id,
            stripe_line_id=line.id,
            credits=credits,
            credits_posting_id=posted.posting_id,
        )
        granted += credits
    return granted


def _basis(subscription: Subscription) -> ledger.Basis:
    return ledger.Basis(
        catalog_version_id=subscription.catalog_version_id,
        price_cents=subscription.price_cents,
        consent_id=subscription.consent_id,
    )


def _has_failed_again(theirs: StripeInvoice, known: Invoice | None) -> bool:
    """
    Say whether a renewal was tried once more without success. Of the first payment the customer hears at once.
    """
    tries_known = known.attempt_count if known is not None else 0
    is_renewal = theirs.billing_reason == "subscription_cycle"
    return theirs.state == "open" and is_renewal and theirs.attempt_count > tries_known
