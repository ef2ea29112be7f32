"""
What is done about each type of event.

An event is a hint where to look: what it is about is read from Stripe by its id, before the transaction in which that
is believed. A type that is not in the table is ignored, with that reason; once it is added, `rsolv events replay`
feeds the old ones to it.
"""

from collections.abc import Mapping

from rsolv import card_setups, charges, customers, payment_methods, subscriptions
from rsolv.billing_events.rules import (
    CUSTOMER_DELETED,
    NOT_OURS,
    NOTHING_YET,
    PAYMENT_OWED,
    SUBSCRIBED,
    UNKNOWN_CHARGE,
    BillingEvent,
    Verdict,
    ignored,
    metadata_in,
    parked,
    processed,
)
from rsolv.billing_events.service.means import Look, Means, Settle
from rsolv.billing_events.service.money_back import look_at_dispute, look_at_refund, look_at_refunds
from rsolv.billing_events.service.plans import look_at_invoice, look_at_subscription
from rsolv.db import Connection
from rsolv.stripe_gateway import CUSTOMER_KEY


async def _look_at_payment(means: Means, event: BillingEvent) -> Settle | Verdict:
    """
    Know ours by their ids and by their mark; a subscription's payment has neither, and costs no call.
    """
    payment_id = event.object_id or ""
    async with means.database.reading() as connection:
        owner = await charges.find_owner_of_payment(connection, stripe_payment_id=payment_id)
    if owner is None and not event.is_thin and charges.CHARGE_KEY not in metadata_in(event):
        return ignored(NOT_OURS)
    payment = await means.gateway.read_payment(payment_id)

    async def settle(connection: Connection) -> Verdict:
        settled = await charges.settle(connection, means.bus, payment, now=means.now)
        if settled.believed != "foreign":
            return processed(owner and owner[0])
        is_marked = charges.CHARGE_KEY in payment.metadata
        return parked(UNKNOWN_CHARGE) if is_marked and payment.state == "succeeded" else ignored(NOT_OURS)

    return settle


async def _look_at_setup_page(means: Means, event: BillingEvent) -> Settle | Verdict:
    async with means.database.reading() as connection:
        try:
            setup = await card_setups.find_setup(connection, stripe_card_setup_id=event.object_id or "")
        except card_setups.UnknownCardSetup:
            return ignored(NOT_OURS)
    return await _read_setup(means, setup)


async def _look_at_setup_intent(means: Means, event: BillingEvent) -> Settle | Verdict:
    """
    Take the page from its metadata, as a hint; what is believed is the page as we opened it, read by its id.
    """
    marks = metadata_in(event)
    ids = marks.get(CUSTOMER_KEY, ""), marks.get(card_setups.SETUP_KEY, "")
    if not all(each.isascii() and each.isdigit() and len(each) < len(str(2**63)) for each in ids):
        return ignored(NOT_OURS)
    async with means.database.reading() as connection:
        try:
            setup = await card_setups.get_setup(connection, customer_id=int(ids[0]), card_setup_id=int(ids[1]))
        except card_setups.UnknownCardSetup:
            return ignored(NOT_OURS)
    return await _read_setup(means, setup)


async def _read_setup(means: Means, setup: card_setups.CardSetup) -> Settle | Verdict:
    if setup.state != "open":
        return processed(setup.customer_id)
    if setup.stripe_card_setup_id is None:
        return ignored(NOTHING_YET, setup.customer_id)
    theirs = await means.gateway.read_card_setup(setup.stripe_card_setup_id)

    async def settle(connection: Connection) -> Verdict:
        settled = await card_setups.settle_setup(connection, means.bus, setup, theirs, now=means.now)
        is_open = settled.state == "open"
        return ignored(NOTHING_YET, setup.customer_id) if is_open else processed(setup.customer_id)

    return settle


async def _look_at_payment_method(means: Means, event: BillingEvent) -> Settle | Verdict:
    """
    Leave alone what was never added here, wherever it is attached: there is no consent to charge it.
    """
    async with means.database.reading() as connection:
        known = await payment_methods.find_known(connection, stripe_payment_method_id=event.object_id or "")
    if known is None:
        return ignored(NOT_OURS)
    theirs = await means.gateway.read_payment_method(known.method.stripe_payment_method_id)

    async def settle(connection: Connection) -> Verdict:
        try:
            await payment_methods.settle_method(connection, means.bus, known, theirs, now=means.now)
        except charges.PaymentOwed:
            # Raised before anything was written: the last card is gone at Stripe, and something is to be paid by it.
            return parked(PAYMENT_OWED, known.customer_id)
        except subscriptions.PaymentMethodNeeded:
            # Likewise: a subscription is to be paid by it.
            return parked(SUBSCRIBED, known.customer_id)
        return processed(known.customer_id)

    return settle


async def _look_at_customer(means: Means, event: BillingEvent) -> Settle | Verdict:
    """
    Have somebody look: no charge of a deleted customer can work, and nothing brings them back.
    """
    stripe_customer_id = event.object_id or ""
    async with means.database.reading() as connection:
        customer_id = await customers.find_by_stripe_id(connection, stripe_customer_id=stripe_customer_id)
    if customer_id is None:
        return ignored(NOT_OURS)
    theirs = await means.gateway.read_customer(stripe_customer_id)
    return parked(CUSTOMER_DELETED, customer_id) if theirs.is_deleted else processed(customer_id)


HANDLERS: Mapping[str, Look] = {
    "payment_intent.succeeded": _look_at_payment,
    "payment_intent.payment_failed": _look_at_payment,
    "payment_intent.requires_action": _look_at_payment,
    "payment_intent.processing": _look_at_payment,
    "payment_intent.canceled": _look_at_payment,
    "checkout.session.completed": _look_at_setup_page,
    "checkout.session.expired": _look_at_setup_page,
    "setup_intent.succeeded": _look_at_setup_intent,
    "payment_method.attached": _look_at_payment_method,
    "payment_method.automatically_updated": _look_at_payment_method,
    "payment_method.updated": _look_at_payment_method,
    "payment_method.detached": _look_at_payment_method,
    "customer.deleted": _look_at_customer,
    "refund.created": look_at_refund,
    "refund.updated": look_at_refund,
    "refund.failed": look_at_refund,
    "charge.refunded": look_at_refunds,
    "charge.dispute.created": look_at_dispute,
    "charge.dispute.updated": look_at_dispute,
    "charge.dispute.funds_withdrawn": look_at_dispute,
    "charge.dispute.funds_reinstated": look_at_dispute,
    "charge.dispute.closed": look_at_dispute,
    "customer.subscription.created": look_at_subscription,
    "customer.subscription.updated": look_at_subscription,
    "customer.subscription.deleted": look_at_subscription,
    "customer.subscription.paused": look_at_subscription,
    "customer.subscription.resumed": look_at_subscription,
    "invoice.paid": look_at_invoice,
    "invoice.payment_succeeded": look_at_invoice,
    "invoice.payment_failed": look_at_invoice,
    "invoice.payment_action_required": look_at_invoice,
    "invoice.finalization_failed": look_at_invoice,
}
