"""
Have what is past due collected from another card as soon as there is one, and not at Stripe's next try days later.
"""

from datetime import datetime

import structlog

from rsolv import payment_methods
from rsolv.db import Database
from rsolv.jobs import enqueue
from rsolv.kernel.events import EventBus
from rsolv.stripe_gateway import Invoice as StripeInvoice
from rsolv.stripe_gateway import NeedsAction, PaymentDeclined, StripeGateway
from rsolv.subscriptions.queries import subscriptions
from rsolv.subscriptions.service.look import look
from rsolv.subscriptions.service.promises import notice_job, pay_key

log = structlog.get_logger()


async def pay_open_invoice(
    database: Database,
    gateway: StripeGateway,
    bus: EventBus,
    *,
    customer_id: int,
    job_id: int,
    tries: int,
    now: datetime,
) -> None:
    """
    Have Stripe try the open invoice of a subscription that is past due with the customer's default card.

    Paid at most once, however often this runs: an invoice is paid by one payment, which succeeds once, and Stripe is
    only asked after a read has shown that it is still open. A decline, or a bank that wants to hear from the customer,
    is an outcome and no failure: the customer is told, once per invoice and card. What came of it is settled by the
    look that ends this. Calls Stripe, so do not call this in a transaction.

    Raises:
        GatewayFailure: Stripe could not be asked; calling again, with *tries* one more, is safe.
    """
    async with database.reading() as connection:
        method = await payment_methods.find_default(connection, customer_id=customer_id)
        current = await subscriptions.find_newest(connection, customer_id=customer_id)
    if method is None or current is None or current.has_ended or current.stripe_subscription_id is None:
        return
    invoice = await _find_open_invoice(gateway, current.stripe_subscription_id)
    if invoice is not None:
        key = pay_key(invoice, method.stripe_payment_method_id, job_id=job_id, tries=tries)
        notice = await _try(gateway, invoice, stripe_payment_method_id=method.stripe_payment_method_id, key=key)
        if notice is not None:
            async with database.transaction() as connection:  # lint: allow one-transaction-place -- a call lies before
                await enqueue(connection, notice_job(current, notice, about=f"{invoice.id}:{method.id}"))
    await look(database, gateway, bus, customer_id=customer_id, subscription_id=current.id, now=now)


async def _find_open_invoice(gateway: StripeGateway, stripe_subscription_id: str) -> StripeInvoice | None:
    theirs = await gateway.read_subscription(stripe_subscription_id)
    if theirs.state != "past_due" or theirs.latest_invoice_id is None:
        return None
    invoice = await gateway.read_invoice(theirs.latest_invoice_id)
    return invoice if invoice.state == "open" else None


async def _try(
    gateway: StripeGateway, invoice: StripeInvoice, *, stripe_payment_method_id: str, key: str
) -> str | None:
    """
    Ask for the payment; return what to tell the customer where it did not come.
    """
    try:
        await gateway.pay_invoice(invoice.id, payment_method_id=stripe_payment_method_id, key=key)
    except PaymentDeclined as outcome:
        log.info("open_invoice_declined", invoice=invoice.id, code=outcome.code, request_id=outcome.request_id)
        return "payment_failed"
    except NeedsAction as outcome:
        log.info("open_invoice_needs_action", invoice=invoice.id, request_id=outcome.request_id)
        return "action_needed"
    return None
