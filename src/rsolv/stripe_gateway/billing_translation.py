"""
From Stripe's objects, as plain data, to our values: subscriptions and invoices.

As in `translation`: an object that is not as documented raises msgspec.ValidationError.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from rsolv.stripe_gateway.billing_values import (
    Invoice,
    InvoiceLine,
    InvoicePayment,
    InvoicePreview,
    InvoiceState,
    Period,
    Price,
    Subscription,
    SubscriptionItem,
    SubscriptionState,
)
from rsolv.stripe_gateway.wire import Body, Expandable, Linked, Listed, Seconds, id_of, known, moment, moment_or_none

_SUBSCRIPTION_STATES: Mapping[str, SubscriptionState] = {
    "incomplete": "incomplete",
    "incomplete_expired": "incomplete_expired",
    "trialing": "trialing",
    "active": "active",
    "past_due": "past_due",
    "unpaid": "unpaid",
    "paused": "paused",
    "canceled": "canceled",
}
_INVOICE_STATES: Mapping[str, InvoiceState] = {
    "draft": "draft",
    "open": "open",
    "paid": "paid",
    "uncollectible": "uncollectible",
    "void": "void",
}


class _Price(msgspec.Struct):
    id: str
    currency: str
    active: bool
    lookup_key: str | None = None
    unit_amount: int | None = None


def price(body: Body, request_id: str) -> Price:
    """
    Read a price: docs.stripe.com/api/prices/object.
    """
    found = msgspec.convert(body, _Price)
    return Price(
        id=found.id,
        lookup_key=found.lookup_key,
        amount_cents=found.unit_amount,
        currency=found.currency,
        is_active=found.active,
        request_id=request_id,
    )


class _Paid(msgspec.Struct):
    payment_intent: Expandable = None


class _InvoicePayment(msgspec.Struct):
    id: str
    status: str
    amount_requested: int
    payment: _Paid
    amount_paid: int | None = None
    is_default: bool = False


class _Item(msgspec.Struct):
    id: str
    price: Linked
    current_period_start: Seconds
    current_period_end: Seconds
    quantity: int | None = None


class _LatestInvoice(Linked):
    status: str | None = None
    hosted_invoice_url: str | None = None
    payments: Listed[_InvoicePayment] | None = None


class _CancellationDetails(msgspec.Struct):
    reason: str | None = None


class _Subscription(msgspec.Struct):
    id: str
    status: str
    customer: str | Linked
    created: Seconds
    livemode: bool
    items: Listed[_Item]
    cancel_at_period_end: bool = False
    cancel_at: Seconds | None = None
    canceled_at: Seconds | None = None
    ended_at: Seconds | None = None
    cancellation_details: _CancellationDetails | None = None
    default_payment_method: Expandable = None
    latest_invoice: str | _LatestInvoice | None = None
    metadata: dict[str, str] | None = None


def subscription(body: Body, request_id: str) -> Subscription:
    """
    Read a subscription, its latest invoice expanded or not: docs.stripe.com/api/subscriptions/object.
    """
    found = msgspec.convert(body, _Subscription)
    latest = found.latest_invoice if isinstance(found.latest_invoice, _LatestInvoice) else None
    return Subscription(
        id=found.id,
        state=known(found.status, _SUBSCRIPTION_STATES, "unknown"),
        stripe_state=found.status,
        stripe_customer_id=found.customer.id if isinstance(found.customer, Linked) else found.customer,
        items=tuple(_item(each) for each in found.items.data),
        cancel_at=moment_or_none(found.cancel_at),
        cancel_at_period_end=found.cancel_at_period_end,
        canceled_at=moment_or_none(found.canceled_at),
        ended_at=moment_or_none(found.ended_at),
        ended_unpaid=found.cancellation_details is not None and found.cancellation_details.reason == "payment_failed",
        default_payment_method_id=id_of(found.default_payment_method),
        latest_invoice_id=id_of(found.latest_invoice),
        latest_payment_id=_default_payment_id(latest),
        action_url=latest.hosted_invoice_url if latest and latest.status == "open" else None,
        livemode=found.livemode,
        metadata=found.metadata or {},
        created_at=moment(found.created),
        request_id=request_id,
    )


def _item(found: _Item) -> SubscriptionItem:
    return SubscriptionItem(
        id=found.id,
        price_id=found.price.id,
        quantity=1 if found.quantity is None else found.quantity,
        period=Period(starts_at=moment(found.current_period_start), ends_at=moment(found.current_period_end)),
    )


def _default_payment_id(latest: _LatestInvoice | None) -> str | None:
    payments = latest.payments.data if latest and latest.payments else []
    return next((id_of(each.payment.payment_intent) for each in payments if each.is_default), None)


class _Span(msgspec.Struct):
    start: Seconds
    end: Seconds


class _PriceDetails(msgspec.Struct):
    price: Expandable = None


class _Pricing(msgspec.Struct):
    price_details: _PriceDetails | None = None


class _LineDetails(msgspec.Struct):
    proration: bool = False
    subscription: str | None = None


class _LineParent(msgspec.Struct):
    subscription_item_details: _LineDetails | None = None
    invoice_item_details: _LineDetails | None = None


class _Line(msgspec.Struct):
    id: str
    amount: int
    currency: str
    period: _Span
    quantity: int | None = None
    pricing: _Pricing | None = None
    parent: _LineParent | None = None
    subscription: Expandable = None


def invoice_line(body: Body, _request_id: str = "") -> InvoiceLine:
    """
    Read one line: docs.stripe.com/api/invoice-line-item/object.
    """
    return _read_line(msgspec.convert(body, _Line))


def _read_line(found: _Line) -> InvoiceLine:
    parent = found.parent or _LineParent()
    details = parent.subscription_item_details or parent.invoice_item_details or _LineDetails()
    price = found.pricing.price_details.price if found.pricing and found.pricing.price_details else None
    return InvoiceLine(
        id=found.id,
        amount_cents=found.amount,
        currency=found.currency,
        quantity=found.quantity,
        price_id=id_of(price),
        stripe_subscription_id=details.subscription or id_of(found.subscription),
        is_proration=details.proration,
        period=Period(starts_at=moment(found.period.start), ends_at=moment(found.period.end)),
    )


class _SubscriptionDetails(msgspec.Struct):
    subscription: Expandable = None
    metadata: dict[str, str] | None = None


class _Parent(msgspec.Struct):
    subscription_details: _SubscriptionDetails | None = None


class _Preview(msgspec.Struct):
    currency: str
    total: int
    amount_due: int
    lines: Listed[_Line]


class _Invoice(_Preview):
    id: str
    created: Seconds
    livemode: bool
    subtotal: int
    amount_paid: int
    amount_remaining: int
    attempt_count: int = 0
    status: str | None = None
    billing_reason: str | None = None
    customer: Expandable = None
    parent: _Parent | None = None
    payments: Listed[_InvoicePayment] | None = None
    next_payment_attempt: Seconds | None = None
    hosted_invoice_url: str | None = None
    invoice_pdf: str | None = None
    number: str | None = None
    metadata: dict[str, str] | None = None


def invoice(body: Body, request_id: str) -> Invoice:
    """
    Read an invoice with the lines that came with it: docs.stripe.com/api/invoices/object.
    """
    found = msgspec.convert(body, _Invoice)
    details = (found.parent.subscription_details if found.parent else None) or _SubscriptionDetails()
    return Invoice(
        id=found.id,
        state=known(found.status, _INVOICE_STATES, "unknown"),
        stripe_state=found.status or "",
        billing_reason=found.billing_reason,
        stripe_customer_id=id_of(found.customer),
        stripe_subscription_id=id_of(details.subscription),
        subscription_metadata=details.metadata or {},
        currency=found.currency,
        subtotal_cents=found.subtotal,
        total_cents=found.total,
        amount_due_cents=found.amount_due,
        amount_paid_cents=found.amount_paid,
        amount_remaining_cents=found.amount_remaining,
        attempt_count=found.attempt_count,
        next_attempt_at=moment_or_none(found.next_payment_attempt),
        lines=tuple(_read_line(each) for each in found.lines.data),
        has_all_lines=not found.lines.has_more,
        payments=tuple(_read_payment(each) for each in (found.payments.data if found.payments else ())),
        hosted_invoice_url=found.hosted_invoice_url,
        invoice_pdf_url=found.invoice_pdf,
        number=found.number,
        livemode=found.livemode,
        metadata=found.metadata or {},
        created_at=moment(found.created),
        request_id=request_id,
    )


class _Towards(msgspec.Struct):
    invoice: dict[str, Any]


def paid_invoice(body: Body, request_id: str) -> Invoice:
    """
    Read the invoice, expanded, that a payment was made towards: docs.stripe.com/api/invoice-payment/object.
    """
    return invoice(msgspec.convert(body, _Towards).invoice, request_id)


def _read_payment(found: _InvoicePayment) -> InvoicePayment:
    return InvoicePayment(
        id=found.id,
        state=found.status,
        payment_id=id_of(found.payment.payment_intent),
        amount_requested_cents=found.amount_requested,
        amount_paid_cents=found.amount_paid or 0,
        is_default=found.is_default,
    )


def invoice_preview(body: Body, request_id: str) -> InvoicePreview:
    """
    Read what an invoice would be: docs.stripe.com/api/invoices/create_preview.
    """
    found = msgspec.convert(body, _Preview)
    return InvoicePreview(
        currency=found.currency,
        total_cents=found.total,
        amount_due_cents=found.amount_due,
        lines=tuple(_read_line(each) for each in found.lines.data),
        request_id=request_id,
    )
