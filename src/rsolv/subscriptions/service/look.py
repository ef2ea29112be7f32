"""
Ask Stripe what is true of a subscription, and believe it: so that nothing depends on an event arriving.
"""

from datetime import datetime, timedelta

import structlog

from rsolv.db import Connection, Database
from rsolv.jobs import enqueue
from rsolv.kernel.events import EventBus
from rsolv.stripe_gateway import Invoice as StripeInvoice
from rsolv.stripe_gateway import StripeGateway
from rsolv.stripe_gateway import Subscription as StripeSubscription
from rsolv.subscriptions.errors import NoActiveSubscription
from rsolv.subscriptions.queries import invoices, opening, subscriptions
from rsolv.subscriptions.rules import GIVEN_UP_AFTER, LOOK_WHILE_OPENING, Subscription, is_same, look_after_end
from rsolv.subscriptions.service.promises import look_job
from rsolv.subscriptions.service.settle_invoice import settle_invoice
from rsolv.subscriptions.service.settle_subscription import settle_subscription

LOOKS_AT_ONCE_MAX = 3
AT_A_TIME = 1_000
PROMISED_AGAIN_AFTER = timedelta(hours=1)
_LISTED_BACK = timedelta(days=1)  # clocks of ours and of Stripe's may differ

log = structlog.get_logger()


async def look(
    database: Database,
    gateway: StripeGateway,
    bus: EventBus,
    *,
    customer_id: int,
    subscription_id: int,
    now: datetime,
) -> Subscription:
    """
    Read a subscription and its invoices at Stripe, settle them, and return the subscription as it then stands.

    One that is still being opened is looked for among the customer's; where there is none after an hour it is given up.
    Nothing is ever bought here. Of two looks at once the one that began later wins, and the other looks again. Calls
    Stripe, so do not call this in a transaction.

    Raises:
        NoActiveSubscription: the customer has none of this id.
        GatewayFailure: Stripe could not be asked; calling again is safe.
    """
    for _ in range(LOOKS_AT_ONCE_MAX):
        async with database.reading() as connection:
            known = await _known(connection, customer_id=customer_id, subscription_id=subscription_id)
            since = await invoices.find_first_by_subscription(connection, known)
        if known.has_ended:
            return await _look_after_end(database, gateway, bus, known, since=since or known.asked_at, now=now)
        theirs = await _read(gateway, known)
        read = await _read_invoices(gateway, known, since=since or known.asked_at) if theirs is not None else []
        settled = await _settle(database, bus, known, theirs=theirs, read=read, now=now)
        if settled is not None:
            return settled
    return known  # others have settled as often meanwhile, and one of them looks again


async def find_made(gateway: StripeGateway, subscription: Subscription) -> StripeSubscription | None:
    """
    Go through the customer's subscriptions at Stripe for this one; of several, which must not be, the oldest.
    """
    made = [
        theirs
        async for theirs in gateway.list_subscriptions(stripe_customer_id=subscription.stripe_customer_id)
        if is_same(subscription, theirs)
    ]
    if len(made) > 1:
        ids = [theirs.id for theirs in made]
        log.error("subscription_twice", customer_id=subscription.customer_id, subscription_id=subscription.id, ids=ids)
    return made[-1] if made else None


async def promise_looks(connection: Connection, *, now: datetime) -> int:
    """
    Promise to look at every subscription whose time has come, a thousand at most; return how many they are.

    Each is put off for an hour: should the look itself never come to an end, another one is promised then.
    """
    due = await subscriptions.take_due_by_look_time(
        connection, due_before=now, look_at=now + PROMISED_AGAIN_AFTER, limit=AT_A_TIME
    )
    for row in due:
        await enqueue(connection, look_job(row["customer_id"], row["id"]))
    return len(due)


async def _known(connection: Connection, *, customer_id: int, subscription_id: int) -> Subscription:
    known = await subscriptions.find_subscription(connection, customer_id=customer_id, subscription_id=subscription_id)
    if known is None:
        raise NoActiveSubscription
    return known


async def _read(gateway: StripeGateway, known: Subscription) -> StripeSubscription | None:
    if known.stripe_subscription_id is None:
        return await find_made(gateway, known)
    return await gateway.read_subscription(known.stripe_subscription_id)


async def _read_invoices(gateway: StripeGateway, known: Subscription, *, since: datetime) -> list[StripeInvoice]:
    """
    Read every invoice since a time, the oldest first.
    """
    found = [
        each
        async for each in gateway.list_invoices(
            stripe_customer_id=known.stripe_customer_id, created_since=since - _LISTED_BACK
        )
    ]
    return [each if each.has_all_lines else await gateway.read_invoice(each.id) for each in reversed(found)]


async def _settle(
    database: Database,
    bus: EventBus,
    known: Subscription,
    *,
    theirs: StripeSubscription | None,
    read: list[StripeInvoice],
    now: datetime,
) -> Subscription | None:
    """
    Settle what was read; None when somebody else settled meanwhile.
    """
    async with database.transaction() as connection:  # lint: allow one-transaction-place -- a call lies before it
        for invoice in read:
            await settle_invoice(connection, bus, invoice, now=now)
        if theirs is None:
            return await _not_there(connection, known, now=now)
        settled = await settle_subscription(connection, bus, theirs, now=now, seen=known.version)
        if settled.believed == "mixed_up":
            await subscriptions.put_off_look(connection, known, look_at=now + GIVEN_UP_AFTER)
        return settled.subscription if settled.believed != "stale" else None


async def _look_after_end(
    database: Database, gateway: StripeGateway, bus: EventBus, known: Subscription, *, since: datetime, now: datetime
) -> Subscription:
    """
    Settle the invoices of one that has ended: what was paid while it did, or is paid by hand afterwards.
    """
    if known.stripe_subscription_id is None:
        return known
    read = await _read_invoices(gateway, known, since=since)
    async with database.transaction() as connection:  # lint: allow one-transaction-place -- a call lies before it
        for invoice in read:
            await settle_invoice(connection, bus, invoice, now=now)
        is_open = await invoices.has_open_invoice(connection, known)
        await subscriptions.rest_after_end(
            connection, known, look_at=look_after_end(known, invoices_open=is_open, now=now)
        )
        return await _known(connection, customer_id=known.customer_id, subscription_id=known.id)


async def _not_there(connection: Connection, known: Subscription, *, now: datetime) -> Subscription | None:
    """
    Give up one that Stripe never had, once no call for it can be on its way any more; before that, look again.
    """
    if now >= known.asked_at + GIVEN_UP_AFTER and not known.is_held:
        await opening.refuse(connection, known, code="not_made", now=now)
    else:
        await subscriptions.put_off_look(connection, known, look_at=now + LOOK_WHILE_OPENING)
    return await subscriptions.find_subscription(connection, customer_id=known.customer_id, subscription_id=known.id)
