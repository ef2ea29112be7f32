"""
Stripe, behind a port of ours.

This face is what domains see: the port, its values, its failures, the verification of deliveries. The
client that speaks to Stripe is opened by entry points alone, from `rsolv.stripe_gateway.client`, so that nobody else
loads Stripe's library.
"""

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
from rsolv.stripe_gateway.errors import (
    DeliveryRefused,
    GatewayFailure,
    GatewayMisused,
    GatewayUnavailable,
    NeedsAction,
    OutcomeUnknown,
    PaymentDeclined,
)
from rsolv.stripe_gateway.events import NotAnEvent, StripeEvent, parse_event
from rsolv.stripe_gateway.port import API_VERSION, StripeGateway
from rsolv.stripe_gateway.signatures import REFUSAL_REASONS, verify_delivery
from rsolv.stripe_gateway.values import (
    CUSTOMER_KEY,
    Card,
    CardSetup,
    CardSetupState,
    Decline,
    Dispute,
    DisputeStage,
    Payment,
    PaymentMethod,
    PaymentState,
    Refund,
    RefundReason,
    RefundState,
    StripeCustomer,
)

__all__ = [
    "API_VERSION",
    "CUSTOMER_KEY",
    "REFUSAL_REASONS",
    "Card",
    "CardSetup",
    "CardSetupState",
    "Decline",
    "DeliveryRefused",
    "Dispute",
    "DisputeStage",
    "GatewayFailure",
    "GatewayMisused",
    "GatewayUnavailable",
    "Invoice",
    "InvoiceLine",
    "InvoicePayment",
    "InvoicePreview",
    "InvoiceState",
    "NeedsAction",
    "NotAnEvent",
    "OutcomeUnknown",
    "Payment",
    "PaymentDeclined",
    "PaymentMethod",
    "PaymentState",
    "Period",
    "Price",
    "Refund",
    "RefundReason",
    "RefundState",
    "StripeCustomer",
    "StripeEvent",
    "StripeGateway",
    "Subscription",
    "SubscriptionItem",
    "SubscriptionState",
    "parse_event",
    "verify_delivery",
]
