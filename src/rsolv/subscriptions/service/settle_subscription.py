"""
Believe what Stripe says of a subscription, once, and never an older word over a newer one.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

import structlog

from rsolv.db import Connection
from rsolv.jobs import enqueue
from rsolv.kernel.events import EventBus
from rsolv.stripe_gateway import Subscription as StripeSubscription
from rsolv.subscriptions.queries import invoices, subscriptions
from rsolv.subscriptions.rules import ENDED, Subscription, followed, is_same, next_look
from rsolv.subscriptions.service.follow import follow
from rsolv.subscriptions.service.owner import lock_owner
from rsolv.subscriptions.service.promises import look_job

Believed = Literal["foreign", "mixed_up", "already", "stale", "settled"]

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Settled:
    """
    What became of an object of Stripe's.

    "foreign": it is not about a subscription of ours. "mixed_up": it is, and contradicts what was asked for; nothing is
    believed. "already": no news. "stale": another word was applied since it was read; a look is promised.
    """

    believed: Believed
    subscription: Subscription | None = None


async def settle_subscription(
    connection: Connection, bus: EventBus, theirs: StripeSubscription, *, now: datetime, seen: int | None = None
) -> Settled:
    """
    Follow a subscription as it was read at Stripe by its id, with all that comes of it: plan, state, notices, churn.

    *seen* is the `version` of our subscription from before Stripe was asked. Only if none has been applied since does
    what was read certainly come after what is known; otherwise, or without *seen*, it is believed where no order is
    needed (an end wins always, a first word has none before it), and a look is promised for the rest. Idempotent.
    Locks the customer and the subscription.
    """
    owner = await lock_owner(connection, theirs.id, theirs.metadata)
    if owner is None:
        return Settled("foreign")
    customer, before = owner
    if not is_same(before, theirs) or await _is_one_too_many(connection, before):
        log.error("subscription_mixed_up", customer_id=customer.id, subscription_id=before.id, theirs=theirs.id)
        return Settled("mixed_up", before)
    if before.has_ended and before.state != "refused":
        return Settled("already", before)
    after = followed(before, theirs, now=now)
    if not _comes_after(before, after, seen=seen):
        return await _put_to_a_look(connection, before, after, now=now)
    is_open = await invoices.has_open_invoice(connection, after)
    after = replace(after, look_at=next_look(after, invoices_open=is_open, now=now))
    if before.stripe_subscription_id is None:
        await subscriptions.note_stripe_id(connection, before, stripe_subscription_id=theirs.id)
    ended_unpaid = theirs.ended_unpaid
    await follow(connection, bus, customer=customer, before=before, after=after, ended_unpaid=ended_unpaid, now=now)
    settled = await subscriptions.find_subscription(connection, customer_id=customer.id, subscription_id=before.id)
    return Settled("settled", settled)


async def find_version(connection: Connection, *, stripe_subscription_id: str) -> int | None:
    """
    Return the version to give as *seen*: ask for it before Stripe is asked. None: we do not know the subscription yet.
    """
    owner = await subscriptions.find_owner_by_stripe_id(connection, stripe_subscription_id=stripe_subscription_id)
    if owner is None:
        return None
    found = await subscriptions.find_subscription(connection, customer_id=owner[0], subscription_id=owner[1])
    assert found is not None, "its look-up refers to it"
    return found.version


def _comes_after(before: Subscription, after: Subscription, *, seen: int | None) -> bool:
    is_first = before.stripe_subscription_id is None
    return after.state in ENDED or seen == before.version or (seen is None and is_first)


async def _is_one_too_many(connection: Connection, before: Subscription) -> bool:
    """
    Say whether one that was given up has turned out to be there, beside another that was opened since.
    """
    if before.state != "refused":
        return False
    newest = await subscriptions.find_newest(connection, customer_id=before.customer_id)
    return newest is not None and not newest.has_ended


async def _put_to_a_look(
    connection: Connection, before: Subscription, after: Subscription, *, now: datetime
) -> Settled:
    if after == before:
        return Settled("already", before)
    await subscriptions.look_again_by(connection, before, look_at=now)
    await enqueue(connection, look_job(before.customer_id, before.id, why=f"stale {before.version}"))
    return Settled("stale", before)
