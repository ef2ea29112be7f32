"""
Customers, cards and payments at Stripe, as frozen values of ours. Amounts are integers in the smallest unit.

`request_id` is Stripe's id of the call that brought the value ("" when it came without one). A word of Stripe's
that we do not know becomes "unknown", with the word itself beside it, so that new ones never break us.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from rsolv.kernel.secret import Secret

CUSTOMER_KEY = "rsolv_customer_id"
"""
The metadata key under which our customer's id stands on everything we make.
"""

CardSetupState = Literal["open", "complete", "expired", "unknown"]
PaymentState = Literal["confirmable", "needs_action", "processing", "succeeded", "canceled", "unknown"]
RefundState = Literal["pending", "needs_action", "succeeded", "failed", "canceled", "unknown"]
RefundReason = Literal["duplicate", "fraudulent", "requested_by_customer"]
DisputeStage = Literal["inquiry", "prevented", "open", "won", "lost", "unknown"]

# docs.stripe.com/billing/revenue-recovery/smart-retries: what Stripe itself never retries without a new card.
_HARD_DECLINES = frozenset(
    {
        "highest_risk_level",
        "incorrect_number",
        "lost_card",
        "pickup_card",
        "revocation_of_all_authorizations",
        "revocation_of_authorization",
        "stolen_card",
        "transaction_not_allowed",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StripeCustomer:
    """
    A customer as Stripe knows them. A deleted one keeps its id and loses the rest.
    """

    id: str
    email: str | None
    name: str | None
    default_payment_method_id: str | None
    metadata: Mapping[str, str]
    is_deleted: bool
    request_id: str

    @property
    def customer_id(self) -> int | None:
        """
        Return our own id of them; None when we did not make this one.
        """
        own = self.metadata.get(CUSTOMER_KEY, "")
        return int(own) if own.isascii() and own.isdigit() else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """
    What may be shown of a card. The fingerprint is the same wherever the same number is used.
    """

    brand: str
    last4: str
    expires_month: int
    expires_year: int
    fingerprint: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentMethod:
    """
    A way to pay, attached to one customer or (None) to nobody.
    """

    id: str
    kind: str
    stripe_customer_id: str | None
    card: Card | None
    metadata: Mapping[str, str]
    request_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CardSetup:
    """
    A hosted page on which a customer enters a card, and what came of it.

    The SetupIntent's part (from its state on) is filled in by `read_card_setup`; only `setup_state` "succeeded"
    means that the card may be charged later.
    """

    id: str
    url: str | None
    state: CardSetupState
    stripe_state: str
    stripe_customer_id: str | None
    expires_at: datetime
    livemode: bool
    metadata: Mapping[str, str]
    setup_intent_id: str | None
    setup_state: str | None
    payment_method_id: str | None
    card: Card | None
    mandate_id: str | None
    request_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Decline:
    """
    Why an attempt to pay failed, in Stripe's words: docs.stripe.com/declines/codes, docs.stripe.com/declines/card.
    """

    code: str | None
    decline_code: str | None
    advice_code: str | None

    @property
    def is_hard(self) -> bool:
        """
        Say whether another attempt with the same card is pointless or forbidden.
        """
        return self.advice_code == "do_not_try_again" or bool({self.code, self.decline_code} & _HARD_DECLINES)

    @property
    def needs_customer(self) -> bool:
        """
        Say whether it only failed because the customer was not there to authenticate.
        """
        return "authentication_required" in {self.code, self.decline_code}


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """
    A PaymentIntent. It succeeds at most once in its life.

    "confirmable" is both never tried and tried without success; `decline` tells the two apart. `next_action_url`
    is where the customer authenticates; the figures of the charge are None until there is one.
    """

    id: str
    state: PaymentState
    stripe_state: str
    amount_cents: int
    amount_received_cents: int
    currency: str
    stripe_customer_id: str | None
    livemode: bool
    metadata: Mapping[str, str]
    payment_method_id: str | None
    charge_id: str | None
    amount_refunded_cents: int | None
    is_disputed: bool | None
    receipt_url: str | None
    decline: Decline | None
    next_action_url: str | None
    client_secret: Secret | None
    created_at: datetime
    request_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refund:
    """
    Money on its way back. "pending" may still fail, and then the money is ours again.
    """

    id: str
    state: RefundState
    stripe_state: str
    amount_cents: int
    currency: str
    payment_id: str | None
    charge_id: str | None
    reason: str | None
    failure_reason: str | None
    metadata: Mapping[str, str]
    created_at: datetime
    request_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispute:
    """
    A customer's bank asks (inquiry), takes the money back (open, lost) or returns it (won).

    `is_withdrawn` says whether the money is away from our balance with Stripe right now: never during an inquiry,
    and no longer after a win. It is read from the movements themselves, because the stage runs ahead of them.
    `movements` counts those: they are never taken away, so of two readings the one with fewer is the older.
    """

    id: str
    stage: DisputeStage
    stripe_state: str
    amount_cents: int
    is_withdrawn: bool
    movements: int
    currency: str
    payment_id: str | None
    charge_id: str
    reason: str
    respond_by: datetime | None
    livemode: bool
    created_at: datetime
    request_id: str
