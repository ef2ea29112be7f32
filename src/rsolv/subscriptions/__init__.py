"""
Subscriptions: a customer's standing purchase of a plan, its periods and its invoices.

Stripe's word is the truth, read by id and settled here: `settle_subscription` and `settle_invoice` are the only ways
in, whoever read (the request, a look, an event of Stripe's). A customer has one subscription that has not ended;
credits come only with a paid invoice, once per line. What is asked of Stripe is written down first, and where an answer
was lost its list is asked before anything is repeated (docs/decisions/0014-subscriptions.md).
"""

from rsolv.subscriptions.errors import (
    AlreadySubscribed,
    BillingOff,
    InvoiceNotPaid,
    NoActiveSubscription,
    NoBillingInfo,
    NoPaymentMethod,
    PaymentMethodNeeded,
    PlanNotSold,
    SubscriptionInProgress,
    SubscriptionRefused,
    UnknownInvoice,
)
from rsolv.subscriptions.queries.invariants import INVARIANTS
from rsolv.subscriptions.queries.paid import PaidInvoice
from rsolv.subscriptions.rules import (
    MARK,
    NONCE_KEY,
    CustomerChurned,
    Invoice,
    InvoiceLine,
    InvoicePaid,
    Subscription,
)
from rsolv.subscriptions.service.cards import follow_default_card, refuse_removal_while_subscribed
from rsolv.subscriptions.service.change import cancel_subscription, resume_subscription
from rsolv.subscriptions.service.look import look
from rsolv.subscriptions.service.open_subscription import SubscriptionRequest, open_subscription
from rsolv.subscriptions.service.paid import (
    find_owner_of_payment,
    list_payments,
    lock_paid_invoice,
    note_dispute,
    note_reversed,
)
from rsolv.subscriptions.service.preview import Preview, agreement, preview_subscription
from rsolv.subscriptions.service.read import InvoiceWithLines, find_current, get_invoice, list_invoices
from rsolv.subscriptions.service.settle_invoice import settle_invoice
from rsolv.subscriptions.service.settle_subscription import Settled, find_version, settle_subscription

__all__ = [
    "INVARIANTS",
    "MARK",
    "NONCE_KEY",
    "AlreadySubscribed",
    "BillingOff",
    "CustomerChurned",
    "Invoice",
    "InvoiceLine",
    "InvoiceNotPaid",
    "InvoicePaid",
    "InvoiceWithLines",
    "NoActiveSubscription",
    "NoBillingInfo",
    "NoPaymentMethod",
    "PaidInvoice",
    "PaymentMethodNeeded",
    "PlanNotSold",
    "Preview",
    "Settled",
    "Subscription",
    "SubscriptionInProgress",
    "SubscriptionRefused",
    "SubscriptionRequest",
    "UnknownInvoice",
    "agreement",
    "cancel_subscription",
    "find_current",
    "find_owner_of_payment",
    "find_version",
    "follow_default_card",
    "get_invoice",
    "list_invoices",
    "list_payments",
    "lock_paid_invoice",
    "look",
    "note_dispute",
    "note_reversed",
    "open_subscription",
    "preview_subscription",
    "refuse_removal_while_subscribed",
    "resume_subscription",
    "settle_invoice",
    "settle_subscription",
]
