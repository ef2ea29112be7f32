"""
Finalising an invoice, which settles what is to pay and how, and voiding it.

docs.stripe.com/billing/invoices/workflow
"""

from stripe_twin import payments
from stripe_twin.billing.collection import charge, note_paid, settle_payment, withdraw_payment
from stripe_twin.billing.invoice_object import customer_facts, totals
from stripe_twin.billing.invoicing import COLLECTION, lines_of
from stripe_twin.billing.refusals import NO_LOCATION
from stripe_twin.core import Account, Record

INTENT_LINK = "_intent_of_invoice"
"""
Private facts by payment intent: the `invoice` it pays.
"""
_DESCRIPTIONS = {"subscription_create": "Subscription creation", "subscription_update": "Subscription update"}


def finalize(account: Account, invoice_id: str) -> bool:
    """
    Finalise a draft: number, amounts and payment intent are settled. What is nothing to pay is paid.

    Returns whether it could be; else invoice.finalization_failed says why.
    """
    invoice = account.edit("invoice", invoice_id)
    customer = account.get("customer", invoice["customer"])
    if invoice["automatic_tax"]["enabled"]:
        if not has_location(customer):
            _fail_finalization(account, invoice)
            return False
        invoice["automatic_tax"]["status"] = "complete"
    page = f"{account.call.base_url}/pages/invoice/{invoice_id}"
    invoice.update(
        status="open",
        number=_next_number(account, customer),
        hosted_invoice_url=page,
        invoice_pdf=f"{page}/pdf",
        effective_at=account.now,
        automatically_finalizes_at=None,
        last_finalization_error=None,
        **customer_facts(customer),
        **totals(lines_of(account, invoice_id), customer),
    )
    invoice["status_transitions"]["finalized_at"] = account.now
    _settle_balance(account, invoice)
    if invoice["amount_due"]:
        _ask_for_payment(account, invoice)
    account.emit("invoice.finalized", invoice)
    if not invoice["amount_due"]:
        note_paid(account, invoice_id)
    return True


def collect(account: Account, invoice_id: str, *, off_session: bool) -> Record | None:
    """
    Finalise a draft and charge what is due at once.
    """
    if finalize(account, invoice_id) and account.get("invoice", invoice_id)["status"] == "open":
        return charge(account, invoice_id, off_session=off_session)
    return None


def finalize_due(account: Account, about: Record) -> None:
    """
    Finalise and charge a draft whose hour is over.
    """
    invoice = account.store.find("invoice", about["invoice"])
    if invoice and invoice["status"] == "draft" and invoice["automatically_finalizes_at"] == account.now:
        collect(account, invoice["id"], off_session=True)


def void(account: Account, invoice_id: str) -> None:
    """
    Void an open invoice; emits invoice.voided. What the customer's balance had paid of it goes back there.
    """
    invoice = account.edit("invoice", invoice_id)
    invoice.update(status="void", auto_advance=False, next_payment_attempt=None, status_details=None)
    invoice["status_transitions"]["voided_at"] = account.now
    withdraw_payment(account, invoice)
    settle_payment(account, invoice, "canceled")
    _move_balance(account, invoice["customer"], invoice["starting_balance"] - (invoice["ending_balance"] or 0))
    account.emit("invoice.voided", invoice)


def has_location(customer: Record) -> bool:
    """
    Tell whether taxes could be calculated for a customer (docs.stripe.com/tax/customer-locations).
    """
    return bool((customer.get("address") or {}).get("country"))


def _ask_for_payment(account: Account, invoice: Record) -> None:
    """
    Make the payment intent of an invoice, and the invoice payment that links the two.
    """
    reason = invoice["billing_reason"]
    intent = payments.create_intent(
        account,
        amount=invoice["amount_due"],
        currency=invoice["currency"],
        customer_id=invoice["customer"],
        description=_DESCRIPTIONS.get(reason) or f"Payment for Invoice {invoice['number']}",
        # The method that pays a subscription's first invoice is kept for the following ones.
        setup_future_usage="off_session" if reason == "subscription_create" else None,
    )
    payment_id = account.new_id("inpay")
    account.edit(COLLECTION, invoice["id"]).update(intent=intent["id"], payment=payment_id)
    account.store.add(INTENT_LINK, {"id": intent["id"], "invoice": invoice["id"]})
    account.store.add(
        "invoice_payment",
        {
            "id": payment_id,
            "object": "invoice_payment",
            "amount_paid": None,
            "amount_requested": invoice["amount_due"],
            "created": account.now,
            "currency": invoice["currency"],
            "invoice": invoice["id"],
            "is_default": True,
            "livemode": False,
            "payment": {"payment_intent": intent["id"], "type": "payment_intent"},
            "status": "open",
            "status_transitions": {"canceled_at": None, "paid_at": None},
        },
    )


def _fail_finalization(account: Account, invoice: Record) -> None:
    invoice.update(
        automatically_finalizes_at=None,
        last_finalization_error={
            "code": "customer_tax_location_invalid",
            "doc_url": "https://stripe.com/docs/error-codes/customer-tax-location-invalid",
            "message": NO_LOCATION,
            "type": "invalid_request_error",
        },
    )
    invoice["automatic_tax"]["status"] = "requires_location_inputs"
    account.emit("invoice.finalization_failed", invoice)


def _settle_balance(account: Account, invoice: Record) -> None:
    """
    Take from, or leave with, the customer's balance what is not charged.
    """
    invoice["ending_balance"] = invoice["starting_balance"] + invoice["total"] - invoice["amount_due"]
    _move_balance(account, invoice["customer"], invoice["ending_balance"] - invoice["starting_balance"])


def _move_balance(account: Account, customer_id: str, change: int) -> None:
    if change and not account.get("customer", customer_id).get("deleted"):
        customer = account.edit("customer", customer_id)
        customer["balance"] += change
        account.emit("customer.updated", customer)


def _next_number(account: Account, customer: Record) -> str:
    edited = account.edit("customer", customer["id"])
    sequence = edited.get("next_invoice_sequence") or 1
    edited["next_invoice_sequence"] = sequence + 1
    return f"{edited.get('invoice_prefix') or customer['id'][-8:].upper()}-{sequence:04}"
