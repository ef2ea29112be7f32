"""
What a subscription is, and what follows from what Stripe says of it.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from rsolv.catalog import Plan, Version
from rsolv.stripe_gateway import CUSTOMER_KEY
from rsolv.stripe_gateway import Invoice as StripeInvoice
from rsolv.stripe_gateway import InvoiceLine as StripeLine
from rsolv.stripe_gateway import Subscription as StripeSubscription
from rsolv.subscriptions.errors import PlanNotSold

_Ended = Literal["refused", "incomplete_expired", "canceled"]
_Live = Literal["opening", "incomplete", "trialing", "active", "past_due", "unpaid", "paused"]
State = _Ended | _Live
ENDED: frozenset[State] = frozenset({"canceled", "incomplete_expired", "refused"})
DisputeState = Literal["none", "inquiry", "disputed", "won", "lost"]
RefundState = Literal["none", "partly_refunded", "refunded"]
RUNNING: frozenset[State] = frozenset({"active", "trialing"})
OWING: frozenset[State] = frozenset({"past_due", "unpaid"})

MARK = "rsolv_subscription_id"
NONCE_KEY = "rsolv_subscription_nonce"
LEASE = timedelta(seconds=60)
"""
How long one process alone may be opening a subscription: twice the longest call to Stripe.
"""

KEY_TRUSTED_FOR = timedelta(hours=23)
GIVEN_UP_AFTER = timedelta(hours=1)
"""
How long after it was asked for a subscription that Stripe does not have is given up: nobody buys while away.
"""

GRACE = timedelta(days=7)
"""
How long a customer whose payment failed keeps the plan's price.
"""

TEXTS = {
    "2026-11": (
        "I agree that {monthly_price} is charged to my saved payment method now and every month from now on, until I "
        "cancel."
    )
}
"""
Every wording that somebody may have agreed to: one is added when it changes, none is ever altered.
"""

TEXT_VERSION = "2026-11"

LOOK_WHILE_OPENING = timedelta(minutes=1)
_LOOK_WHILE_INCOMPLETE = timedelta(minutes=10)
_LOOK_WHILE_PAST_DUE = timedelta(hours=6)
_LOOK_AFTER_PERIOD = timedelta(minutes=1)
_LOOK_FOR_INVOICE = timedelta(minutes=20)
_LOOK_OTHERWISE = timedelta(days=1)
_LOOK_AFTER_END = timedelta(minutes=1)
_INVOICES_PAYABLE_FOR = timedelta(days=30)
_ORDER = {"draft": 0, "open": 1, "uncollectible": 2, "paid": 3, "void": 3}


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """
    A customer's standing purchase as we know it. It may lag behind Stripe until `look_at`, no longer.

    `version` rises with each word of Stripe's that was applied. `action_url` is where an open invoice is paid or
    authenticated. `is_held` says that a process is opening it right now.
    """

    id: int
    customer_id: int
    nonce: str
    plan: str
    catalog_version_id: int
    price_cents: int
    currency: str
    period_credits: int
    stripe_customer_id: str
    stripe_price_id: str
    payment_method_id: int
    stripe_payment_method_id: str
    consent_id: int
    caller_key_hash: bytes | None
    asked_at: datetime
    state: State
    version: int
    is_held: bool
    look_at: datetime | None
    refused_code: str | None
    stripe_subscription_id: str | None
    period_starts_at: datetime | None
    period_ends_at: datetime | None
    cancel_at: datetime | None
    cancel_at_period_end: bool
    canceled_at: datetime | None
    latest_invoice_id: str | None
    action_url: str | None
    started_at: datetime | None
    past_due_since: datetime | None
    churned_at: datetime | None
    ended_at: datetime | None

    @property
    def has_ended(self) -> bool:
        """
        Say whether nothing can come of it any more.
        """
        return self.state in ENDED


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """
    A call that may open a subscription, written down before it was made.
    """

    id: int
    number: int
    key: str
    sent_at: datetime
    tries: int
    outcome: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Invoice:
    """
    An invoice of a subscription, as Stripe last said. Its pages are Stripe's.
    """

    id: int
    subscription_id: int
    stripe_invoice_id: str
    state: str
    billing_reason: str | None
    number: str | None
    currency: str
    total_cents: int
    amount_due_cents: int
    amount_paid_cents: int
    attempt_count: int
    next_attempt_at: datetime | None
    hosted_url: str | None
    pdf_url: str | None
    created_at: datetime
    money_posting_id: int | None
    paid_at: datetime | None
    amount_refunded_cents: int
    amount_disputed_cents: int
    dispute_state: DisputeState

    @property
    def refund_state(self) -> RefundState:
        """
        Say how much of what was paid has gone back, apart from disputes.
        """
        if self.amount_refunded_cents == 0:
            return "none"
        return "refunded" if self.amount_refunded_cents == self.amount_paid_cents else "partly_refunded"


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceLine:
    """
    One thing billed, the time it is for, and the credits that it brought.
    """

    stripe_line_id: str
    amount_cents: int
    currency: str
    quantity: int | None
    is_proration: bool
    period_starts_at: datetime
    period_ends_at: datetime
    credits: int


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoicePaid:
    """
    The event: an invoice was paid, in the transaction that posts its money and credits.
    """

    customer_id: int
    subscription_id: int
    invoice_id: int
    amount_cents: int
    credits: int
    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerChurned:
    """
    The event: a subscription that had begun is over, or no longer paid. Published in the transaction that notes it.
    """

    customer_id: int
    subscription_id: int
    reason: str
    tenure_days: int
    lifetime_value_cents: int
    currency: str
    occurred_at: datetime


def plan_to_sell(version: Version, plan: str) -> Plan:
    """
    Return a plan that can be subscribed to.

    Raises:
        PlanNotSold: the catalogue has no subscription of this name.
    """
    found = version.catalog.plans.get(plan)
    if found is None or found.monthly_price_cents is None:
        raise PlanNotSold(fields={"plan": ["is not a plan with a monthly price"]})
    return found


def lookup_key(plan: str, *, price_cents: int, currency: str) -> str:
    """
    Return under which key a price is found at Stripe: one for the same amount of the same plan, in every version.
    """
    return f"rsolv_{plan}_{currency}_{price_cents}_monthly"


def marks_of(subscription: Subscription) -> dict[str, str]:
    """
    Return what stands on the subscription at Stripe: by it ours is known again, also when its id was never heard.
    """
    return {
        CUSTOMER_KEY: str(subscription.customer_id),
        MARK: str(subscription.id),
        NONCE_KEY: subscription.nonce,
        "rsolv_catalog_version": str(subscription.catalog_version_id),
        "plan": subscription.plan,
    }


def is_same(subscription: Subscription, theirs: StripeSubscription) -> bool:
    """
    Say whether a subscription at Stripe is this one, of this customer.
    """
    return (
        subscription.stripe_subscription_id in (None, theirs.id)
        and theirs.stripe_customer_id == subscription.stripe_customer_id
        and marks_of(subscription).items() <= theirs.metadata.items()
    )


def key_of(subscription: Subscription, number: int) -> str:
    """
    Return the idempotency key of one attempt to open it.
    """
    return f"rsolv-subscription-{subscription.customer_id}-{subscription.id}-{subscription.nonce}-{number}"


def is_repeatable(attempt: Attempt, *, now: datetime) -> bool:
    """
    Say whether an attempt that did nothing may be sent again under its key.

    Not after an error of Stripe's own, which is kept under the key, nor after Stripe may have forgotten it.
    """
    return attempt.outcome != "server_error" and now < attempt.sent_at + KEY_TRUSTED_FOR


def followed(subscription: Subscription, theirs: StripeSubscription, *, now: datetime) -> Subscription:
    """
    Return the subscription as Stripe says it is. A state that we have no word for is no news.
    """
    state = subscription.state if theirs.state == "unknown" else theirs.state
    period = theirs.period
    return replace(
        subscription,
        state=state,
        stripe_subscription_id=theirs.id,
        period_starts_at=period.starts_at if period else subscription.period_starts_at,
        period_ends_at=period.ends_at if period else subscription.period_ends_at,
        cancel_at=theirs.cancel_at,
        cancel_at_period_end=theirs.cancel_at_period_end,
        canceled_at=theirs.canceled_at,
        latest_invoice_id=theirs.latest_invoice_id,
        action_url=theirs.action_url if state not in ENDED else None,
        started_at=subscription.started_at or (now if state in RUNNING else None),
        past_due_since=(subscription.past_due_since or now) if state in OWING else None,
        ended_at=(theirs.ended_at or now) if state in ENDED else None,
    )


def next_look(subscription: Subscription, *, invoices_open: bool, now: datetime) -> datetime:
    """
    Return when to ask Stripe again though nobody says that there is news.

    Also of one that has just ended: an invoice may have been paid while it did.
    """
    if subscription.has_ended:
        return now + _LOOK_AFTER_END
    if subscription.state == "incomplete":
        return now + _LOOK_WHILE_INCOMPLETE
    if subscription.state == "past_due" and subscription.past_due_since is not None:
        soon, grace_ends_at = now + _LOOK_WHILE_PAST_DUE, subscription.past_due_since + GRACE
        return min(soon, grace_ends_at) if grace_ends_at > now else soon
    later = now + _LOOK_OTHERWISE
    if subscription.period_ends_at is not None and subscription.state in RUNNING:
        later = max(subscription.period_ends_at + _LOOK_AFTER_PERIOD, now + _LOOK_FOR_INVOICE)
    is_soon = invoices_open and subscription.state in RUNNING
    return min(later, now + _LOOK_FOR_INVOICE) if is_soon else later


def look_after_end(subscription: Subscription, *, invoices_open: bool, now: datetime) -> datetime | None:
    """
    Return when to look at the invoices of one that has ended: daily for a month while one can be paid; None: no more.
    """
    is_over = subscription.ended_at is None or now > subscription.ended_at + _INVOICES_PAYABLE_FOR
    return None if is_over or not invoices_open else now + _LOOK_OTHERWISE


def keeps_plan(subscription: Subscription, *, now: datetime) -> bool:
    """
    Say whether the customer is on the plan: while it runs, also until a scheduled end, and in grace after a failure.
    """
    if subscription.state == "past_due":
        return subscription.past_due_since is not None and now < subscription.past_due_since + GRACE
    return subscription.state in RUNNING


def customer_state(subscription: Subscription) -> str | None:
    """
    Return what stands beside the customer's plan: Stripe's word while it lives, and that it was ended at once.
    """
    if subscription.state == "canceled":
        return None if _has_run_out(subscription) else "canceled"
    return None if subscription.has_ended or subscription.state == "opening" else subscription.state


def _has_run_out(ended: Subscription) -> bool:
    """
    Say whether it lived until the end that was scheduled: one may be ended at once also while an end is scheduled.
    """
    return ended.cancel_at is not None and (ended.ended_at is None or ended.ended_at >= ended.cancel_at)


def is_newer(theirs: StripeInvoice, known: Invoice | None) -> bool:
    """
    Say whether an invoice as read is not older than what we know: it only ever goes from draft to its end.
    """
    if theirs.state == "unknown":
        return False
    if known is None:
        return True
    if known.state in {"paid", "void"}:
        return False
    was, now = _ORDER[known.state], _ORDER[theirs.state]
    return now > was or (now == was and theirs.attempt_count >= known.attempt_count)


def credits_of(subscription: Subscription, invoice: StripeInvoice, line: StripeLine) -> int:
    """
    Return the credits that a line of a paid invoice brings: those of a period, for what renews, at our price.

    What is billed by hand, in proportion or for nothing brings none.
    """
    is_period = invoice.billing_reason in {"subscription_create", "subscription_cycle"} and not line.is_proration
    is_ours = line.price_id == subscription.stripe_price_id and invoice.total_cents > 0
    return max(line.quantity or 0, 0) * subscription.period_credits if is_period and is_ours else 0


def churn_reason(before: Subscription, after: Subscription, *, ended_unpaid: bool = False) -> str | None:
    """
    Say why a customer is lost with this change; None when they are not, or were before, or had never begun.

    *ended_unpaid*: Stripe gave up being paid, and perhaps we never heard that it tried.
    """
    if before.churned_at is not None or after.started_at is None:
        return None
    if after.state == "unpaid":
        return "payment_failed"
    if after.state != "canceled":
        return None
    if before.state in OWING or ended_unpaid:
        return "payment_failed"
    return "ended_with_period" if _has_run_out(after) else "canceled"


def notice_of(before: Subscription, after: Subscription, *, is_on_plan: bool, now: datetime) -> str | None:
    """
    Say what to write to the customer about a change, if anything. Of each payment that failed its invoice tells.
    """
    if after.state in OWING and is_on_plan and not keeps_plan(after, now=now):
        return "grace_over"
    if before.state == after.state:
        return None
    if after.state in RUNNING:
        return "recovered" if before.state in OWING else "started"
    return {"incomplete": "action_needed", "canceled": "ended"}.get(after.state)
