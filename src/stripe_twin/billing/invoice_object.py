"""
Invoices and their lines as the API shows them (docs.stripe.com/api/invoices/object), made of plain lines.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from stripe_twin.billing.prices import pricing_of
from stripe_twin.core import Account, Record

EMBEDDED_LINES_MAX = 10
MINIMUM_DUE = 50
"""
Less is not charged but goes to the customer's balance (docs.stripe.com/billing/customer/balance).
"""


@dataclass(frozen=True)
class Line:
    """
    What one line of an invoice is about, before it is one: an amount for a time, and where it comes from.
    """

    amount: int
    currency: str
    description: str | None
    start: int
    end: int
    quantity: int = 1
    price: Record | None = None
    subscription: str | None = None
    subscription_item: str | None = None
    invoice_item: str | None = None
    is_proration: bool = False
    metadata: Record | None = None


def line_record(account: Account, line: Line, invoice_id: str) -> Record:
    """
    Return the line as the API shows it, with an id of its own.
    """
    return {
        "id": account.new_id("il"),
        "object": "line_item",
        "amount": line.amount,
        "currency": line.currency,
        "description": line.description,
        "discount_amounts": [],
        "discountable": not line.is_proration,
        "discounts": [],
        "invoice": invoice_id,
        "livemode": False,
        "metadata": line.metadata or {},
        "parent": _line_parent(line),
        "period": {"end": line.end, "start": line.start},
        "pretax_credit_amounts": [],
        "pricing": pricing_of(line.price) if line.price else None,
        "quantity": line.quantity,
        "quantity_decimal": str(line.quantity),
        "subscription": line.subscription,
        "subtotal": line.amount,
        "taxes": [],
    }


def lines_page(lines: Sequence[Record], invoice_id: str) -> Record:
    """
    Return the lines as an invoice carries them: the first ten, and whether there are more.
    """
    return {
        "object": "list",
        "data": list(lines[:EMBEDDED_LINES_MAX]),
        "has_more": len(lines) > EMBEDDED_LINES_MAX,
        "url": f"/v1/invoices/{invoice_id}/lines",
    }


def invoice_record(
    account: Account,
    *,
    invoice_id: str,
    customer: Record,
    reason: str,
    currency: str,
    lines: Sequence[Record],
    period: tuple[int, int],
    subscription: Record | None = None,
    metadata: Record | None = None,
) -> Record:
    """
    Return a draft with these lines, not yet kept; its totals are their sum.
    """
    taxed = subscription["automatic_tax"]["enabled"] if subscription else False
    invoice = {
        **_UNUSED,
        "id": invoice_id,
        "object": "invoice",
        "amount_paid": 0,
        "attempt_count": 0,
        "attempted": False,
        "auto_advance": False,
        "automatic_tax": {
            "disabled_reason": None,
            "enabled": taxed,
            "liability": {"type": "self"} if taxed else None,
            "provider": "stripe" if taxed else None,
            "status": None,
        },
        "automatically_finalizes_at": None,
        "billing_reason": reason,
        "collection_method": "charge_automatically",
        "created": account.now,
        "currency": currency,
        "customer": customer["id"],
        "default_payment_method": None,
        "description": None,
        "effective_at": None,
        "ending_balance": None,
        "hosted_invoice_url": None,
        "invoice_pdf": None,
        "issuer": {"type": "self"},
        "last_finalization_error": None,
        "lines": lines_page(lines, invoice_id),
        "livemode": False,
        "metadata": metadata or {},
        "next_payment_attempt": None,
        "number": None,
        "parent": invoice_parent(subscription) if subscription else None,
        "payment_settings": {"default_mandate": None, "payment_method_options": None, "payment_method_types": None},
        "period_end": period[1],
        "period_start": period[0],
        "status": "draft",
        "status_details": None,
        "status_transitions": {
            "finalized_at": None,
            "marked_uncollectible_at": None,
            "paid_at": None,
            "voided_at": None,
        },
        "test_clock": customer.get("test_clock"),
        "webhooks_delivered_at": account.now,
        **customer_facts(customer),
    }
    invoice.update(totals(lines, customer))
    return invoice


def invoice_parent(subscription: Record) -> Record:
    """
    Return how an invoice names its subscription, with the metadata the subscription has now.
    """
    return {
        "quote_details": None,
        "subscription_details": {"metadata": subscription["metadata"], "subscription": subscription["id"]},
        "type": "subscription_details",
    }


def customer_facts(customer: Record) -> Record:
    """
    Return what an invoice repeats of its customer until it is finalised.
    """
    return {
        "customer_address": customer.get("address"),
        "customer_email": customer.get("email"),
        "customer_name": customer.get("name"),
        "customer_phone": customer.get("phone"),
        "customer_shipping": customer.get("shipping"),
        "customer_tax_exempt": customer.get("tax_exempt") or "none",
        "customer_tax_ids": [],
    }


def totals(lines: Iterable[Record], customer: Record) -> Record:
    """
    Return the amounts of an open or draft invoice: the sum of its lines, less what the customer's balance covers.
    """
    total = sum(line["amount"] for line in lines)
    balance = int(customer.get("balance") or 0)
    due = total + balance if total + balance >= MINIMUM_DUE else 0
    return {
        "amount_due": due,
        "amount_remaining": due,
        "starting_balance": balance,
        "subtotal": total,
        "subtotal_excluding_tax": total,
        "total": total,
        "total_excluding_tax": total,
    }


def _line_parent(line: Line) -> Record:
    if line.subscription_item is None:
        return {
            "invoice_item_details": {
                "invoice_item": line.invoice_item,
                "proration": line.is_proration,
                "proration_details": None,
                "subscription": line.subscription,
            },
            "subscription_item_details": None,
            "type": "invoice_item_details",
        }
    return {
        "invoice_item_details": None,
        "subscription_item_details": {
            "invoice_item": line.invoice_item,
            "proration": line.is_proration,
            "proration_details": {"credited_items": None} if line.is_proration else None,
            "subscription": line.subscription,
            "subscription_item": line.subscription_item,
        },
        "type": "subscription_item_details",
    }


_UNUSED: Record = {
    "account_country": "US",
    "account_name": "Stripe twin",
    "account_tax_ids": None,
    "amount_overpaid": 0,
    "amount_shipping": 0,
    "application": None,
    "custom_fields": None,
    "customer_account": None,
    "default_source": None,
    "default_tax_rates": [],
    "discounts": [],
    "due_date": None,
    "footer": None,
    "from_invoice": None,
    "latest_revision": None,
    "on_behalf_of": None,
    "post_payment_credit_notes_amount": 0,
    "pre_payment_credit_notes_amount": 0,
    "receipt_number": None,
    "rendering": None,
    "shipping_cost": None,
    "shipping_details": None,
    "statement_descriptor": None,
    "threshold_reason": None,
    "total_discount_amounts": [],
    "total_pretax_credit_amounts": [],
    "total_taxes": [],
}
