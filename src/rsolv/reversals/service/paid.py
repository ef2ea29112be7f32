"""
What was paid, whichever way: a charge or an invoice, asked of the room that has it.
"""

from rsolv import charges, subscriptions
from rsolv.charges import DisputeState, PaidCharge
from rsolv.db import Connection
from rsolv.reversals.rules import Paid, Reversible
from rsolv.subscriptions import PaidInvoice


async def find_owner_of_payment(connection: Connection, *, stripe_payment_id: str) -> tuple[int, Paid] | None:
    """
    Return whose payment at Stripe it is and what was paid by it; None when it is of no charge and no invoice of ours.
    """
    charge = await charges.find_owner_of_payment(connection, stripe_payment_id=stripe_payment_id)
    if charge is not None:
        return charge[0], Paid("charge", charge[1])
    invoice = await subscriptions.find_owner_of_payment(connection, stripe_payment_id=stripe_payment_id)
    return invoice and (invoice[0], Paid("invoice", invoice[1]))


async def list_payments(connection: Connection, *, customer_id: int, paid: Paid) -> list[str]:
    """
    Return the payments at Stripe by which something was paid: one for a charge, perhaps several for an invoice.

    Raises:
        UnknownCharge: the customer has no such charge.
    """
    if paid.kind == "invoice":
        return await subscriptions.list_payments(connection, customer_id=customer_id, invoice_id=paid.id)
    charge = await charges.get_charge(connection, customer_id=customer_id, charge_id=paid.id)
    return [charge.stripe_payment_id] if charge.stripe_payment_id is not None else []


async def lock_paid(connection: Connection, *, customer_id: int, paid: Paid) -> Reversible:
    """
    Return what was paid, what that bought, and how much of it was taken back; locked until the transaction ends.

    It is locked before the customer's credits, as whoever settles a charge or an invoice does.

    Raises:
        UnknownCharge, UnknownInvoice: the customer has no such thing.
        ChargeNotPaid, InvoiceNotPaid: nothing was paid by it.
    """
    if paid.kind == "charge":
        charge = await charges.lock_paid_charge(connection, customer_id=customer_id, charge_id=paid.id)
        return _of_charge(paid, charge)
    invoice = await subscriptions.lock_paid_invoice(connection, customer_id=customer_id, invoice_id=paid.id)
    return _of_invoice(paid, invoice)


async def note_reversed(
    connection: Connection, *, customer_id: int, paid: Paid, refunded_cents: int, disputed_cents: int
) -> None:
    """
    Let what was paid say how much of it live refunds and disputes have taken back by now.
    """
    amounts = {"refunded_cents": refunded_cents, "disputed_cents": disputed_cents}
    if paid.kind == "charge":
        await charges.note_reversed(connection, customer_id=customer_id, charge_id=paid.id, **amounts)
    else:
        await subscriptions.note_reversed(connection, customer_id=customer_id, invoice_id=paid.id, **amounts)


async def note_dispute(connection: Connection, *, customer_id: int, paid: Paid, dispute_state: DisputeState) -> None:
    """
    Let what was paid say how it stands in dispute.
    """
    if paid.kind == "charge":
        await charges.note_dispute(connection, customer_id=customer_id, charge_id=paid.id, dispute_state=dispute_state)
    else:
        await subscriptions.note_dispute(
            connection, customer_id=customer_id, invoice_id=paid.id, dispute_state=dispute_state
        )


def _of_charge(paid: Paid, charge: PaidCharge) -> Reversible:
    return Reversible(
        paid=paid,
        amount_cents=charge.amount_cents,
        currency=charge.currency,
        stripe_payment_ids=(charge.stripe_payment_id,),
        credits=charge.credits,
        grant_posting_ids=(charge.grant_posting_id,) if charge.grant_posting_id is not None else (),
        amount_refunded_cents=charge.amount_refunded_cents,
        amount_disputed_cents=charge.amount_disputed_cents,
        dispute_state=charge.dispute_state,
    )


def _of_invoice(paid: Paid, invoice: PaidInvoice) -> Reversible:
    return Reversible(
        paid=paid,
        amount_cents=invoice.amount_cents,
        currency=invoice.currency,
        stripe_payment_ids=tuple(invoice.stripe_payment_ids),
        credits=invoice.credits,
        grant_posting_ids=tuple(invoice.grant_posting_ids),
        amount_refunded_cents=invoice.amount_refunded_cents,
        amount_disputed_cents=invoice.amount_disputed_cents,
        dispute_state=invoice.dispute_state,
    )
