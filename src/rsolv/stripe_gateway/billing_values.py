"""
Subscriptions and invoices at Stripe, as frozen values of ours.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

SubscriptionState = Literal[
    "incomplete",
    "incomplete_expired",
    "trialing",
    "active",
    "past_due",
    "unpaid",
    "paused",
    "canceled",
    "unknown",
]
InvoiceState = Literal["draft", "open", "paid", "uncollectible", "void", "unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """
    From *starts_at* up to, not including, *ends_at*.
    """

    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """
    What something costs at Stripe. Its amount never changes.
    """

    id: str
    lookup_key: str | None
    amount_cents: int | None
    currency: str
    is_active: bool
    request_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionItem:
    """
    What is subscribed to, how many, and the period it is paid for.
    """

    id: str
    price_id: str
    quantity: int
    period: Period


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """
    A standing purchase.

    It is going to end when `cancel_at` is set, whether by `cancel_at_period_end` or otherwise; `canceled_at` is when
    that was asked for, and only `ended_at` says that it is over; `ended_unpaid` that Stripe ended it after its last
    retry of a payment. `action_url` is the page on which the customer pays
    or authenticates the invoice that is open; `latest_payment_id` is that invoice's payment, which tells 3-D Secure
    from a decline.
    """

    id: str
    state: SubscriptionState
    stripe_state: str
    stripe_customer_id: str
    items: tuple[SubscriptionItem, ...]
    cancel_at: datetime | None
    cancel_at_period_end: bool
    canceled_at: datetime | None
    ended_at: datetime | None
    ended_unpaid: bool
    default_payment_method_id: str | None
    latest_invoice_id: str | None
    latest_payment_id: str | None
    action_url: str | None
    livemode: bool
    metadata: Mapping[str, str]
    created_at: datetime
    request_id: str

    @property
    def price_ids(self) -> tuple[str, ...]:
        """
        Return the prices subscribed to.
        """
        return tuple(item.price_id for item in self.items)

    @property
    def period(self) -> Period | None:
        """
        Return the current period, which Stripe keeps on the items: the one that ends first.
        """
        return min((item.period for item in self.items), key=lambda period: period.ends_at, default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceLine:
    """
    One thing billed, with the period of service it is for.

    `quantity` is None where Stripe has none, or one with a fraction.
    """

    id: str
    amount_cents: int
    currency: str
    quantity: int | None
    price_id: str | None
    stripe_subscription_id: str | None
    is_proration: bool
    period: Period


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoicePayment:
    """
    A payment towards an invoice.
    """

    id: str
    state: str
    payment_id: str | None
    amount_requested_cents: int
    amount_paid_cents: int
    is_default: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Invoice:
    """
    An invoice. `read_invoice` brings all its lines; a list brings the first ten, and `has_all_lines` says so.

    `stripe_subscription_id` is the subscription that made it, if one did, and `subscription_metadata` what stood on
    that when the invoice was finalized.
    """

    id: str
    state: InvoiceState
    stripe_state: str
    billing_reason: str | None
    stripe_customer_id: str | None
    stripe_subscription_id: str | None
    subscription_metadata: Mapping[str, str]
    currency: str
    subtotal_cents: int
    total_cents: int
    amount_due_cents: int
    amount_paid_cents: int
    amount_remaining_cents: int
    attempt_count: int
    next_attempt_at: datetime | None
    lines: tuple[InvoiceLine, ...]
    has_all_lines: bool
    payments: tuple[InvoicePayment, ...]
    hosted_invoice_url: str | None
    invoice_pdf_url: str | None
    number: str | None
    livemode: bool
    metadata: Mapping[str, str]
    created_at: datetime
    request_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoicePreview:
    """
    What an invoice would be. Nothing is made by asking.
    """

    currency: str
    total_cents: int
    amount_due_cents: int
    lines: tuple[InvoiceLine, ...]
    request_id: str
