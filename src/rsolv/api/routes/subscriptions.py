"""
Subscriptions over the wire: subscribe with consent, see, preview, end, and take a scheduled end back.
"""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated

import msgspec

from rsolv import payment_methods, subscriptions, usage
from rsolv.api.caller import BillingConsent, actor_of, caller_key_hash_of, declaration_of, gateway_of
from rsolv.api.operation import Access, Call, Operation, Reply, Shape

PATH = "/api/v1/billing/subscription"
PlanName = Annotated[str, msgspec.Meta(pattern="^[a-z][a-z0-9_]{0,39}$", examples=["pro"])]


class SubscribeBody(Shape, forbid_unknown_fields=True):
    """
    The wish to be on a plan, with the consent to what the preview's `agreement` says.
    """

    plan: PlanName
    billing_consent: BillingConsent = False


class CancelBody(Shape, forbid_unknown_fields=True):
    """
    When to end: with the period that is paid for, or now.
    """

    at_period_end: bool = True


class PreviewBody(Shape, forbid_unknown_fields=True):
    """
    Which plan to look at.
    """

    plan: PlanName


class SubscriptionShape(Shape):
    """
    A subscription. `action_url` is the page on which an open invoice is paid, or authenticated with the bank.

    States: opening, incomplete, incomplete_expired, trialing, active, past_due, unpaid, paused and canceled.
    """

    id: str
    plan: str
    state: str
    price_cents: int
    currency: str
    period_credits: int
    period_starts_at: datetime | None
    period_ends_at: datetime | None
    cancel_at_period_end: bool
    cancel_at: datetime | None
    canceled_at: datetime | None
    ended_at: datetime | None
    past_due_since: datetime | None
    action_url: str | None
    payment_method: str
    stripe_subscription_id: str | None
    asked_at: datetime


class SubscriptionAnswer(Shape):
    """
    The subscription that has not ended, else the last one; null when there never was any.
    """

    subscription: SubscriptionShape | None


class PreviewAnswer(Shape):
    """
    What the plan costs, in cents: today, with the next invoice, and as last calendar month (UTC) was.

    `agreement` is what `billing_consent: true` agrees to when subscribing.
    """

    plan: str
    currency: str
    today_cents: int
    next_cents: int
    next_at: datetime | None
    monthly_cents: int
    period_credits: int
    fix_price_cents: int
    fixes_last_month: int
    last_month_on_plan_cents: int
    last_month_pay_as_you_go_cents: int
    agreement: str


async def subscribe(call: Call) -> Reply:
    """
    Subscribe to a plan and pay for the first period. Needs consent; without it nothing happens anywhere.

    The state is "active" once the first invoice is paid, and its credits are there. "incomplete" means that the bank
    wants to hear from the customer, or said no: send them to `action_url` within 23 hours. A repeat with the same
    `Idempotency-Key` leads to the same subscription.
    """
    body: SubscribeBody = call.body
    payment_methods.require_consent(billing_consent=body.billing_consent)
    request = subscriptions.SubscriptionRequest(
        plan=body.plan, declaration=declaration_of(call), caller_key_hash=caller_key_hash_of(call)
    )
    opened = await subscriptions.open_subscription(
        call.parts.database,
        gateway_of(call),
        call.parts.bus,
        request,
        customer_id=call.customer_id,
        billing_enabled=call.parts.billing_enabled,
    )
    return Reply(SubscriptionAnswer(_shape(opened)))


async def show_subscription(call: Call) -> Reply:
    """
    Show the subscription as we know it.
    """
    async with call.parts.database.reading() as connection:
        found = await subscriptions.find_current(connection, customer_id=call.customer_id)
    return Reply(SubscriptionAnswer(_shape(found) if found is not None else None))


async def cancel_subscription(call: Call) -> Reply:
    """
    End the subscription: with the period, keeping plan and price until then, or now. Credits stay in both cases.
    """
    body: CancelBody = call.body
    ended = await subscriptions.cancel_subscription(
        call.parts.database,
        gateway_of(call),
        call.parts.bus,
        customer_id=call.customer_id,
        at_period_end=body.at_period_end,
        actor=actor_of(call),
        now=call.now,
    )
    return Reply(SubscriptionAnswer(_shape(ended)))


async def resume_subscription(call: Call) -> Reply:
    """
    Take a scheduled end back. Where none is scheduled nothing changes.
    """
    resumed = await subscriptions.resume_subscription(
        call.parts.database,
        gateway_of(call),
        call.parts.bus,
        customer_id=call.customer_id,
        actor=actor_of(call),
        now=call.now,
    )
    return Reply(SubscriptionAnswer(_shape(resumed)))


async def preview_subscription(call: Call) -> Reply:
    """
    Say what a plan costs before agreeing to it. Nothing is bought.
    """
    body: PreviewBody = call.body
    found = await subscriptions.preview_subscription(
        call.parts.database, gateway_of(call), customer_id=call.customer_id, plan=body.plan
    )
    async with call.parts.database.reading() as connection:
        count = await usage.count_fixes_last_month(connection, customer_id=call.customer_id, now=call.now)
    return Reply(
        PreviewAnswer(
            plan=found.plan,
            currency=found.currency,
            today_cents=found.today_cents,
            next_cents=found.next_cents,
            next_at=found.next_at,
            monthly_cents=found.monthly_cents,
            period_credits=found.period_credits,
            fix_price_cents=found.fix_price_cents,
            fixes_last_month=count,
            last_month_on_plan_cents=found.month_cents(count),
            last_month_pay_as_you_go_cents=found.payg_month_cents(count),
            agreement=subscriptions.agreement(monthly_price=usage.money(found.monthly_cents, found.currency)),
        )
    )


def _shape(found: subscriptions.Subscription) -> SubscriptionShape:
    return SubscriptionShape(
        id=str(found.id),
        plan=found.plan,
        state=found.state,
        price_cents=found.price_cents,
        currency=found.currency,
        period_credits=found.period_credits,
        period_starts_at=found.period_starts_at,
        period_ends_at=found.period_ends_at,
        cancel_at_period_end=found.cancel_at_period_end,
        cancel_at=found.cancel_at,
        canceled_at=found.canceled_at,
        ended_at=found.ended_at,
        past_due_since=found.past_due_since,
        action_url=found.action_url,
        payment_method=str(found.payment_method_id),
        stripe_subscription_id=found.stripe_subscription_id,
        asked_at=found.asked_at,
    )


OPERATIONS = (
    Operation(
        method="POST",
        path=PATH,
        summary="Subscribe to a plan",
        access=Access.API_KEY,
        handler=subscribe,
        body=SubscribeBody,
        answer=SubscriptionAnswer,
        status=HTTPStatus.CREATED,
        refusals=(400, 401, 402, 409, 413, 415, 422, 503),
        tag="Billing",
        accepts_idempotency_key=True,
    ),
    Operation(
        method="GET",
        path=PATH,
        summary="Show the subscription",
        access=Access.API_KEY,
        handler=show_subscription,
        answer=SubscriptionAnswer,
        refusals=(401, 503),
        tag="Billing",
    ),
    Operation(
        method="POST",
        path=f"{PATH}/cancel",
        summary="End the subscription",
        access=Access.API_KEY,
        handler=cancel_subscription,
        body=CancelBody,
        answer=SubscriptionAnswer,
        refusals=(400, 401, 409, 413, 415, 422, 503),
        tag="Billing",
    ),
    Operation(
        method="POST",
        path=f"{PATH}/resume",
        summary="Take a scheduled end back",
        access=Access.API_KEY,
        handler=resume_subscription,
        answer=SubscriptionAnswer,
        refusals=(401, 409, 503),
        tag="Billing",
    ),
    Operation(
        method="POST",
        path=f"{PATH}/preview",
        summary="Preview what a plan costs",
        access=Access.API_KEY,
        handler=preview_subscription,
        body=PreviewBody,
        answer=PreviewAnswer,
        refusals=(400, 401, 413, 415, 422, 503),
        tag="Billing",
    ),
)
