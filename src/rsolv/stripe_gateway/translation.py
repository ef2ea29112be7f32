"""
From Stripe's objects, as plain data, to our values: customers, cards, payments, refunds, disputes.

Each function takes the object and the request id of the call that brought it, and raises msgspec.ValidationError,
which names a place and never a value of it, when the object is not as documented.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import msgspec

from rsolv.kernel.secret import Secret
from rsolv.stripe_gateway.values import (
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
    RefundState,
    StripeCustomer,
)
from rsolv.stripe_gateway.wire import Body, Expandable, Linked, Listed, Seconds, id_of, known, moment, moment_or_none

Value = TypeVar("Value")

_SETUP_STATES: Mapping[str, CardSetupState] = {"open": "open", "complete": "complete", "expired": "expired"}
_PAYMENT_STATES: Mapping[str, PaymentState] = {
    "requires_payment_method": "confirmable",
    "requires_confirmation": "confirmable",
    "requires_action": "needs_action",
    "processing": "processing",
    "succeeded": "succeeded",
    "canceled": "canceled",
}
_REFUND_STATES: Mapping[str, RefundState] = {
    "pending": "pending",
    "requires_action": "needs_action",
    "succeeded": "succeeded",
    "failed": "failed",
    "canceled": "canceled",
}
_DISPUTE_STAGES: Mapping[str, DisputeStage] = {
    "warning_needs_response": "inquiry",
    "warning_under_review": "inquiry",
    "warning_closed": "inquiry",
    "prevented": "prevented",
    "needs_response": "open",
    "under_review": "open",
    "appeal_needs_response": "open",
    "appeal_under_review": "open",
    "won": "won",
    "lost": "lost",
}


@dataclass(frozen=True, slots=True)
class Page(Generic[Value]):
    """
    A part of a list; `last_id` is where the next part begins, None when there is none.
    """

    items: tuple[Value, ...]
    last_id: str | None


def page(read: Callable[[Body, str], Value]) -> Callable[[Body, str], Page[Value]]:
    """
    Make of what reads one object what reads a page of a list of them.
    """

    def read_page(body: Body, request_id: str) -> Page[Value]:
        listed = msgspec.convert(body, Listed[dict[str, Any]])
        last_id = msgspec.convert(listed.data[-1], Linked).id if listed.data and listed.has_more else None
        return Page(tuple(read(each, request_id) for each in listed.data), last_id)

    return read_page


class _InvoiceSettings(msgspec.Struct):
    default_payment_method: Expandable = None


class _Customer(msgspec.Struct):
    id: str
    email: str | None = None
    name: str | None = None
    metadata: dict[str, str] | None = None
    invoice_settings: _InvoiceSettings | None = None
    deleted: bool = False


def customer(body: Body, request_id: str) -> StripeCustomer:
    """
    Read a customer, also a deleted one: docs.stripe.com/api/customers/object.
    """
    found = msgspec.convert(body, _Customer)
    settings = found.invoice_settings
    return StripeCustomer(
        id=found.id,
        email=found.email,
        name=found.name,
        default_payment_method_id=id_of(settings.default_payment_method) if settings else None,
        metadata=found.metadata or {},
        is_deleted=found.deleted,
        request_id=request_id,
    )


class _Card(msgspec.Struct):
    brand: str
    last4: str
    exp_month: int
    exp_year: int
    fingerprint: str | None = None


class _PaymentMethod(Linked):
    type: str
    customer: Expandable = None
    card: _Card | None = None
    metadata: dict[str, str] | None = None


def payment_method(body: Body, request_id: str) -> PaymentMethod:
    """
    Read a payment method: docs.stripe.com/api/payment_methods/object.
    """
    found = msgspec.convert(body, _PaymentMethod)
    return PaymentMethod(
        id=found.id,
        kind=found.type,
        stripe_customer_id=id_of(found.customer),
        card=_card(found.card),
        metadata=found.metadata or {},
        request_id=request_id,
    )


def _card(found: _Card | None) -> Card | None:
    if found is None:
        return None
    return Card(
        brand=found.brand,
        last4=found.last4,
        expires_month=found.exp_month,
        expires_year=found.exp_year,
        fingerprint=found.fingerprint,
    )


class _SetupIntent(Linked):
    status: str | None = None
    payment_method: str | _PaymentMethod | None = None
    mandate: Expandable = None


class _Session(msgspec.Struct):
    id: str
    expires_at: Seconds
    livemode: bool
    status: str | None = None
    url: str | None = None
    customer: Expandable = None
    metadata: dict[str, str] | None = None
    setup_intent: str | _SetupIntent | None = None


def card_setup(body: Body, request_id: str) -> CardSetup:
    """
    Read a Checkout Session in setup mode: docs.stripe.com/api/checkout/sessions/object.
    """
    found = msgspec.convert(body, _Session)
    intent = found.setup_intent if isinstance(found.setup_intent, _SetupIntent) else None
    method = intent.payment_method if intent else None
    return CardSetup(
        id=found.id,
        url=found.url,
        state=known(found.status, _SETUP_STATES, "unknown"),
        stripe_state=found.status or "",
        stripe_customer_id=id_of(found.customer),
        expires_at=moment(found.expires_at),
        livemode=found.livemode,
        metadata=found.metadata or {},
        setup_intent_id=id_of(found.setup_intent),
        setup_state=intent.status if intent else None,
        payment_method_id=id_of(method),
        card=_card(method.card) if isinstance(method, _PaymentMethod) else None,
        mandate_id=id_of(intent.mandate) if intent else None,
        request_id=request_id,
    )


class _Error(msgspec.Struct):
    code: str | None = None
    decline_code: str | None = None
    advice_code: str | None = None


class _Redirect(msgspec.Struct):
    url: str | None = None


class _NextAction(msgspec.Struct):
    type: str
    redirect_to_url: _Redirect | None = None


class _Charge(Linked):
    amount_refunded: int = 0
    disputed: bool = False
    receipt_url: str | None = None


class _Payment(msgspec.Struct):
    id: str
    status: str
    amount: int
    currency: str
    created: Seconds
    livemode: bool
    amount_received: int = 0
    customer: Expandable = None
    metadata: dict[str, str] | None = None
    payment_method: Expandable = None
    latest_charge: str | _Charge | None = None
    last_payment_error: _Error | None = None
    next_action: _NextAction | None = None
    client_secret: str | None = None


def payment(body: Body, request_id: str) -> Payment:
    """
    Read a PaymentIntent: docs.stripe.com/api/payment_intents/object.
    """
    found = msgspec.convert(body, _Payment)
    charge = found.latest_charge if isinstance(found.latest_charge, _Charge) else None
    redirect = found.next_action.redirect_to_url if found.next_action else None
    return Payment(
        id=found.id,
        state=known(found.status, _PAYMENT_STATES, "unknown"),
        stripe_state=found.status,
        amount_cents=found.amount,
        amount_received_cents=found.amount_received,
        currency=found.currency,
        stripe_customer_id=id_of(found.customer),
        livemode=found.livemode,
        metadata=found.metadata or {},
        payment_method_id=id_of(found.payment_method),
        charge_id=id_of(found.latest_charge),
        amount_refunded_cents=charge.amount_refunded if charge else None,
        is_disputed=charge.disputed if charge else None,
        receipt_url=charge.receipt_url if charge else None,
        decline=decline(msgspec.structs.asdict(found.last_payment_error)) if found.last_payment_error else None,
        next_action_url=redirect.url if redirect else None,
        client_secret=Secret(found.client_secret) if found.client_secret else None,
        created_at=moment(found.created),
        request_id=request_id,
    )


def decline(error: Mapping[str, Any]) -> Decline:
    """
    Read why a payment failed, from an error or from the payment that remembers it.
    """
    found = msgspec.convert(error, _Error)
    return Decline(code=found.code, decline_code=found.decline_code, advice_code=found.advice_code)


class _Refund(msgspec.Struct):
    id: str
    amount: int
    currency: str
    created: Seconds
    status: str | None = None
    payment_intent: Expandable = None
    charge: Expandable = None
    reason: str | None = None
    failure_reason: str | None = None
    metadata: dict[str, str] | None = None


def refund(body: Body, request_id: str) -> Refund:
    """
    Read a refund: docs.stripe.com/api/refunds/object.
    """
    found = msgspec.convert(body, _Refund)
    return Refund(
        id=found.id,
        state=known(found.status, _REFUND_STATES, "unknown"),
        stripe_state=found.status or "",
        amount_cents=found.amount,
        currency=found.currency,
        payment_id=id_of(found.payment_intent),
        charge_id=id_of(found.charge),
        reason=found.reason,
        failure_reason=found.failure_reason,
        metadata=found.metadata or {},
        created_at=moment(found.created),
        request_id=request_id,
    )


class _Movement(msgspec.Struct):
    amount: int


class _EvidenceDetails(msgspec.Struct):
    due_by: Seconds | None = None


class _Dispute(msgspec.Struct):
    id: str
    status: str
    amount: int
    currency: str
    created: Seconds
    livemode: bool
    reason: str
    charge: str | Linked
    payment_intent: Expandable = None
    balance_transactions: list[_Movement] = []
    evidence_details: _EvidenceDetails | None = None


def dispute(body: Body, request_id: str) -> Dispute:
    """
    Read a dispute: docs.stripe.com/api/disputes/object.
    """
    found = msgspec.convert(body, _Dispute)
    return Dispute(
        id=found.id,
        stage=known(found.status, _DISPUTE_STAGES, "unknown"),
        stripe_state=found.status,
        amount_cents=found.amount,
        is_withdrawn=sum(movement.amount for movement in found.balance_transactions) < 0,
        movements=len(found.balance_transactions),
        currency=found.currency,
        payment_id=id_of(found.payment_intent),
        charge_id=found.charge.id if isinstance(found.charge, Linked) else found.charge,
        reason=found.reason,
        respond_by=moment_or_none(found.evidence_details.due_by) if found.evidence_details else None,
        livemode=found.livemode,
        created_at=moment(found.created),
        request_id=request_id,
    )
