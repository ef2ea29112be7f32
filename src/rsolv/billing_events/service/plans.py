"""
What is done about events of subscriptions and their invoices.
"""

from collections.abc import Mapping

from rsolv import subscriptions
from rsolv.billing_events.rules import (
    NOT_FINALIZED,
    NOT_OURS,
    SUBSCRIPTION_MIXED_UP,
    UNKNOWN_SUBSCRIPTION,
    BillingEvent,
    Verdict,
    ignored,
    invoiced_subscription_in,
    metadata_in,
    parked,
    processed,
)
from rsolv.billing_events.service.means import Means, Settle
from rsolv.db import Connection


async def look_at_subscription(means: Means, event: BillingEvent) -> Settle | Verdict:
    """
    Read a subscription, whatever happened to it: our version of it first, so that no older word wins over a newer one.
    """
    seen = await _find_version(means, event.object_id)
    if seen is None and not event.is_thin and subscriptions.MARK not in metadata_in(event):
        return ignored(NOT_OURS)
    theirs = await means.gateway.read_subscription(event.object_id or "")

    async def settle(connection: Connection) -> Verdict:
        settled = await subscriptions.settle_subscription(connection, means.bus, theirs, now=means.now, seen=seen)
        return verdict_of(settled, theirs.metadata)

    return settle


async def look_at_invoice(means: Means, event: BillingEvent) -> Settle | Verdict:
    """
    Read an invoice with all its lines, whatever happened to it: it is credited once per line, whoever tells of it.

    One that could not be finalized is taken in and parked as well: it is collected by nobody until somebody acts.
    """
    stripe_id, marks = invoiced_subscription_in(event)
    if not event.is_thin and not await is_of_ours(means, stripe_id, marks):
        return ignored(NOT_OURS)
    theirs = await means.gateway.read_invoice(event.object_id or "")

    async def settle(connection: Connection) -> Verdict:
        settled = await subscriptions.settle_invoice(connection, means.bus, theirs, now=means.now)
        verdict = verdict_of(settled, theirs.subscription_metadata)
        is_stuck = event.type == "invoice.finalization_failed" and theirs.state == "draft"
        return parked(NOT_FINALIZED, verdict.customer_id) if is_stuck and verdict.outcome == "processed" else verdict

    return settle


async def is_of_ours(means: Means, stripe_subscription_id: str | None, marks: Mapping[str, str]) -> bool:
    """
    Say whether an invoice may be of a subscription of ours: by its id, or by our mark on it.
    """
    return subscriptions.MARK in marks or await _find_version(means, stripe_subscription_id) is not None


async def _find_version(means: Means, stripe_subscription_id: str | None) -> int | None:
    if stripe_subscription_id is None:
        return None
    async with means.database.reading() as connection:
        return await subscriptions.find_version(connection, stripe_subscription_id=stripe_subscription_id)


def verdict_of(settled: subscriptions.Settled, marks: Mapping[str, str]) -> Verdict:
    """
    Say what became of it. What came too late counts as processed: a look was promised together with the mark.
    """
    if settled.subscription is None:
        return parked(UNKNOWN_SUBSCRIPTION) if subscriptions.MARK in marks else ignored(NOT_OURS)
    customer_id = settled.subscription.customer_id
    return parked(SUBSCRIPTION_MIXED_UP, customer_id) if settled.believed == "mixed_up" else processed(customer_id)
