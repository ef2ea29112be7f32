"""
Find out what a payment paid: a charge, or a subscription's invoice, also one of which we have not heard yet.
"""

from dataclasses import dataclass

from rsolv import charges, customers, reversals, subscriptions
from rsolv.billing_events.rules import BillingEvent, Verdict, processed, word_in
from rsolv.billing_events.service.means import Means
from rsolv.billing_events.service.plans import is_of_ours, verdict_of
from rsolv.db import Connection
from rsolv.stripe_gateway import Invoice, Payment


@dataclass(frozen=True, slots=True, kw_only=True)
class PaidFirst:
    """
    A payment of ours, and what has to be settled before anything of it can come back: as it was read at Stripe.
    """

    customer_id: int | None
    payment: Payment | None = None
    invoice: Invoice | None = None

    async def settle(self, connection: Connection, means: Means) -> Verdict:
        """
        Settle what was paid; "processed" where that is true here now.
        """
        if self.payment is not None:
            await charges.settle(connection, means.bus, self.payment, now=means.now)
        if self.invoice is None:
            return processed(self.customer_id)
        settled = await subscriptions.settle_invoice(connection, means.bus, self.invoice, now=means.now)
        return verdict_of(settled, self.invoice.subscription_metadata)


async def find_paid(means: Means, event: BillingEvent, payment_id: str | None) -> PaidFirst | None:
    """
    Return what has to be settled of a payment first, calling Stripe only where we do not know; None: not ours.
    """
    if payment_id is None:
        return None
    async with means.database.reading() as connection:
        owner = await reversals.find_owner_of_payment(connection, stripe_payment_id=payment_id)
        if owner is None and not await _may_be_ours(connection, event):
            return None
    if owner is None:
        return await _find_unheard(means, payment_id)
    return await _find_charge(means, *owner, payment_id=payment_id)


async def _find_charge(means: Means, customer_id: int, paid: reversals.Paid, *, payment_id: str) -> PaidFirst:
    """
    Read the payment of a charge of which we have not heard yet that it was paid. An invoice is known once it was.
    """
    if paid.kind == "invoice":
        return PaidFirst(customer_id=customer_id)
    async with means.database.reading() as connection:
        charge = await charges.get_charge(connection, customer_id=customer_id, charge_id=paid.id)
    payment = None if charge.state == "succeeded" else await means.gateway.read_payment(payment_id)
    return PaidFirst(customer_id=customer_id, payment=payment)


async def _find_unheard(means: Means, payment_id: str) -> PaidFirst | None:
    """
    Ask for which invoices a payment was made, and read the one that is for a subscription of ours, whole.
    """
    for invoice in await means.gateway.list_invoices_of_payment(payment_id):
        if await is_of_ours(means, invoice.stripe_subscription_id, invoice.subscription_metadata):
            return PaidFirst(customer_id=None, invoice=await means.gateway.read_invoice(invoice.id))
    return None


async def _may_be_ours(connection: Connection, event: BillingEvent) -> bool:
    """
    Say whether a payment that we do not know may be of a subscription of ours: one has a customer, and that is ours.

    Only a charge in a snapshot names its customer; of refunds, disputes and thin events Stripe has to be asked.
    """
    if event.is_thin or event.object_kind != "charge":
        return True
    stripe_customer_id = word_in(event, "customer")
    if stripe_customer_id is None:
        return False
    return await customers.find_by_stripe_id(connection, stripe_customer_id=stripe_customer_id) is not None
