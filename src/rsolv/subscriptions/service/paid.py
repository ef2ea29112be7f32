"""
What was paid by invoices, for those who take it back. None of this changes a subscription: that is Stripe's word.
"""

import structlog

from rsolv.db import Connection
from rsolv.stripe_gateway import Invoice as StripeInvoice
from rsolv.subscriptions.errors import InvoiceNotPaid, UnknownInvoice
from rsolv.subscriptions.queries import invoices, paid
from rsolv.subscriptions.queries.paid import PaidInvoice
from rsolv.subscriptions.rules import DisputeState

PAYMENTS_AT_MOST = 100

log = structlog.get_logger()


async def find_owner_of_payment(connection: Connection, *, stripe_payment_id: str) -> tuple[int, int] | None:
    """
    Return whose payment at Stripe it is: the customer's id and the invoice's; None when it paid no invoice of ours.
    """
    return await paid.find_owner_by_payment(connection, stripe_payment_id)


async def list_payments(connection: Connection, *, customer_id: int, invoice_id: int) -> list[str]:
    """
    Return the payments at Stripe by which an invoice was paid; none for one that was not, or elsewhere.
    """
    return await paid.list_payments(connection, customer_id=customer_id, invoice_id=invoice_id, limit=PAYMENTS_AT_MOST)


async def lock_paid_invoice(connection: Connection, *, customer_id: int, invoice_id: int) -> PaidInvoice:
    """
    Return what an invoice took, how much of that was taken back, and which credits it brought.

    Locks the invoice until the transaction ends: before the customer's credits, as whoever settles one does.

    Raises:
        UnknownInvoice: the customer has no such invoice.
        InvoiceNotPaid: nothing was paid by it.
    """
    found = await paid.lock_paid(connection, customer_id=customer_id, invoice_id=invoice_id)
    if found is not None:
        return found
    invoice = await invoices.find_invoice(connection, customer_id=customer_id, invoice_id=invoice_id)
    if invoice is None:
        raise UnknownInvoice
    raise InvoiceNotPaid(invoice_id=invoice_id, state=invoice.state)


async def note_payments(connection: Connection, theirs: StripeInvoice, *, customer_id: int, invoice_id: int) -> None:
    """
    Note by which payments an invoice was paid, once, so that what comes back of them is known to be of it.

    Each is of one invoice and of no charge: one that is known to be for something else stays there, and is reported.
    """
    for stripe_payment_id in _payments_in(theirs):
        is_noted = await paid.insert_payment_once(
            connection, customer_id=customer_id, invoice_id=invoice_id, stripe_payment_id=stripe_payment_id
        )
        if not is_noted:
            log.error("payment_mixed_up", customer_id=customer_id, invoice_id=invoice_id, payment=stripe_payment_id)


async def note_reversed(
    connection: Connection, *, customer_id: int, invoice_id: int, refunded_cents: int, disputed_cents: int
) -> None:
    """
    Note how much of an invoice live refunds and disputes have taken back by now.
    """
    await paid.set_taken_back(
        connection,
        customer_id=customer_id,
        invoice_id=invoice_id,
        refunded_cents=refunded_cents,
        disputed_cents=disputed_cents,
    )


async def note_dispute(
    connection: Connection, *, customer_id: int, invoice_id: int, dispute_state: DisputeState
) -> None:
    """
    Note how an invoice stands in dispute, to be shown with it.
    """
    await paid.set_dispute_state(
        connection, customer_id=customer_id, invoice_id=invoice_id, dispute_state=dispute_state
    )


def _payments_in(theirs: StripeInvoice) -> list[str]:
    """
    Return the payments at Stripe by which an invoice was paid; none where it was paid elsewhere.
    """
    ids = [each.payment_id for each in theirs.payments if each.state == "paid" and theirs.state == "paid"]
    return [payment_id for payment_id in ids if payment_id is not None]
