"""
End a subscription, now or with its period, or take a scheduled end back.
"""

from collections.abc import Awaitable
from datetime import datetime

from rsolv.audit import Actor, record
from rsolv.db import Connection, Database
from rsolv.kernel.events import EventBus
from rsolv.stripe_gateway import GatewayMisused, StripeGateway
from rsolv.stripe_gateway import Subscription as StripeSubscription
from rsolv.subscriptions.errors import NoActiveSubscription, SubscriptionInProgress
from rsolv.subscriptions.queries import subscriptions
from rsolv.subscriptions.rules import Subscription
from rsolv.subscriptions.service.look import look
from rsolv.subscriptions.service.settle_subscription import settle_subscription

_SCHEDULABLE = frozenset({"active", "trialing", "past_due"})


async def cancel_subscription(
    database: Database,
    gateway: StripeGateway,
    bus: EventBus,
    *,
    customer_id: int,
    at_period_end: bool,
    actor: Actor,
    now: datetime,
) -> Subscription:
    """
    End a customer's subscription with the period that is paid for, or at once; credits stay, no money comes back.

    Stripe is looked at first, so a repeat finds what the first call did. Calls Stripe, so do not call this in a
    transaction.

    Raises:
        NoActiveSubscription: there is none that could end so.
        SubscriptionInProgress: it is being opened.
        GatewayFailure: Stripe could not be asked or did not answer; calling again is safe.
    """
    found = await _looked_at(database, gateway, bus, customer_id=customer_id, now=now)
    if found.has_ended or (at_period_end and found.cancel_at is not None):
        return found
    if at_period_end and found.state not in _SCHEDULABLE:
        raise NoActiveSubscription
    stripe_id = _stripe_id(found)
    change = (
        gateway.schedule_cancellation(stripe_id, at_period_end=True, key=_key(found, "end"))
        if at_period_end
        else gateway.cancel_subscription(stripe_id)
    )
    action = "subscription:cancel_scheduled" if at_period_end else "subscription:canceled"
    return await _changed(database, gateway, bus, found, change=change, action=action, actor=actor, now=now)


async def resume_subscription(
    database: Database, gateway: StripeGateway, bus: EventBus, *, customer_id: int, actor: Actor, now: datetime
) -> Subscription:
    """
    Take a scheduled end back; where none is scheduled nothing changes. Calls Stripe: not in a transaction.

    Raises:
        NoActiveSubscription: there is none, or it has ended.
        SubscriptionInProgress: it is being opened.
        GatewayFailure: Stripe could not be asked or did not answer; calling again is safe.
    """
    found = await _looked_at(database, gateway, bus, customer_id=customer_id, now=now)
    if found.has_ended:
        raise NoActiveSubscription
    if found.cancel_at is None:
        return found
    change = gateway.schedule_cancellation(_stripe_id(found), at_period_end=False, key=_key(found, "stay"))
    return await _changed(
        database, gateway, bus, found, change=change, action="subscription:resumed", actor=actor, now=now
    )


async def _looked_at(
    database: Database, gateway: StripeGateway, bus: EventBus, *, customer_id: int, now: datetime
) -> Subscription:
    """
    Return the subscription that has not ended as far as we know, as it is at Stripe.
    """
    async with database.reading() as connection:
        found = await subscriptions.find_newest(connection, customer_id=customer_id)
    if found is None or found.has_ended:
        raise NoActiveSubscription
    looked_at = await look(database, gateway, bus, customer_id=customer_id, subscription_id=found.id, now=now)
    if looked_at.state == "opening":
        raise SubscriptionInProgress
    if looked_at.state == "refused":
        raise NoActiveSubscription
    return looked_at


async def _changed(
    database: Database,
    gateway: StripeGateway,
    bus: EventBus,
    found: Subscription,
    *,
    change: Awaitable[StripeSubscription],
    action: str,
    actor: Actor,
    now: datetime,
) -> Subscription:
    """
    Make the change, settle what Stripe answers, and look again where somebody else settled meanwhile.
    """
    try:
        theirs = await change
    except GatewayMisused as failure:
        raise NoActiveSubscription from failure  # it ended between the look and the call
    async with database.transaction() as connection:  # lint: allow one-transaction-place -- calls lie before it
        settled = await settle_subscription(connection, bus, theirs, now=now, seen=found.version)
        await _note(connection, found, action=action, actor=actor)
    if settled.believed == "settled" and settled.subscription is not None:
        return settled.subscription
    return await look(database, gateway, bus, customer_id=found.customer_id, subscription_id=found.id, now=now)


async def _note(connection: Connection, found: Subscription, *, action: str, actor: Actor) -> None:
    await record(
        connection,
        actor=actor,
        action=action,
        subject=f"subscription {found.id}",
        customer_id=found.customer_id,
    )


def _stripe_id(found: Subscription) -> str:
    assert found.stripe_subscription_id is not None, "known since it is no longer being opened"
    return found.stripe_subscription_id


def _key(found: Subscription, what: str) -> str:
    """
    Return the key of this call: another one after each look, which has shown that the last did not happen.
    """
    return f"rsolv-subscription-{what}-{found.stripe_subscription_id}-{found.version}"
