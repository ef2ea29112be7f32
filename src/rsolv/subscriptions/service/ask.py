"""
Ask Stripe for a subscription that is written down and held by us.
"""

from datetime import datetime
from typing import Literal

from rsolv.db import Connection, Database
from rsolv.kernel.events import EventBus
from rsolv.stripe_gateway import (
    GatewayFailure,
    GatewayUnavailable,
    Invoice,
    OutcomeUnknown,
    PaymentDeclined,
    StripeGateway,
)
from rsolv.stripe_gateway import Subscription as StripeSubscription
from rsolv.subscriptions.errors import SubscriptionInProgress, SubscriptionRefused
from rsolv.subscriptions.queries import opening, subscriptions
from rsolv.subscriptions.rules import Attempt, Subscription, is_repeatable, key_of, marks_of
from rsolv.subscriptions.service.look import find_made, look
from rsolv.subscriptions.service.settle_invoice import settle_invoice
from rsolv.subscriptions.service.settle_subscription import settle_subscription

_SERVER_ERROR = 500

Way = Literal["buy", "again", "look"]
"""
Buy: nobody has asked before. Again: somebody has, and we hold it now. Look: somebody else may be asking right now.
"""


async def ask(
    database: Database,
    gateway: StripeGateway,
    bus: EventBus,
    subscription: Subscription,
    *,
    way: Way,
    now: datetime,
) -> Subscription:
    """
    Open a subscription at Stripe, or find that it is open already, and return it as it then stands.

    Before any repeat Stripe's list is asked; who may only look asks nothing else. After an answer that may have been
    lost on its way the hold stays until nothing can be on its way any more.

    Raises:
        SubscriptionInProgress: we may only look, and it is not there yet.
        SubscriptionRefused: Stripe would not, and its list does not have it.
        GatewayFailure: what came of it is not known, or nothing did; it stays as it is, to be asked for again.
    """
    theirs = None if way == "buy" else await find_made(gateway, subscription)
    if theirs is None:
        if way == "look":
            raise SubscriptionInProgress
        attempt = await _attempt(database, subscription, is_new=way == "buy", now=now)
        theirs = await _open(database, gateway, subscription, attempt, now=now)
    invoice = await _first_invoice(gateway, theirs)
    async with database.transaction() as connection:  # lint: allow one-transaction-place -- calls lie before it
        if invoice is not None:
            await settle_invoice(connection, bus, invoice, now=now)
        settled = await settle_subscription(connection, bus, theirs, now=now, seen=subscription.version)
        if invoice is None:
            await subscriptions.look_again_by(connection, subscription, look_at=now)
    if settled.believed == "settled" and settled.subscription is not None:
        return settled.subscription
    return await look(
        database, gateway, bus, customer_id=subscription.customer_id, subscription_id=subscription.id, now=now
    )


async def _attempt(database: Database, subscription: Subscription, *, is_new: bool, now: datetime) -> Attempt:
    """
    Return the attempt to send: the one written down, again under its key if that says nothing wrong, or another one.
    """
    async with database.transaction() as connection:  # lint: allow one-transaction-place -- calls before and after it
        last = await opening.find_last_attempt_by_subscription(connection, subscription)
        assert last is not None, "written down with the subscription"
        if is_new:
            return last
        if is_repeatable(last, now=now):
            await opening.count_try(connection, last, customer_id=subscription.customer_id)
            return last
        number = last.number + 1
        return await opening.insert_attempt(
            connection, subscription, number=number, key=key_of(subscription, number), sent_at=now
        )


async def _open(
    database: Database, gateway: StripeGateway, subscription: Subscription, attempt: Attempt, *, now: datetime
) -> StripeSubscription:
    try:
        theirs = await gateway.open_subscription(
            stripe_customer_id=subscription.stripe_customer_id,
            price_id=subscription.stripe_price_id,
            quantity=1,
            payment_method_id=subscription.stripe_payment_method_id,
            metadata=marks_of(subscription),
            key=attempt.key,
        )
    except (GatewayUnavailable, OutcomeUnknown) as failure:
        await _note_silence(database, subscription, attempt, failure, now=now)
        raise
    except GatewayFailure as failure:
        made = await find_made(gateway, subscription)
        if made is not None:
            return made
        await _note_refusal(database, subscription, attempt, failure, now=now)
        raise refusal_of(failure) from failure
    async with database.transaction() as connection:  # lint: allow one-transaction-place -- a call lies before it
        await _answer(connection, subscription, attempt, outcome="made", stripe_request_id=theirs.request_id, now=now)
    return theirs


async def _note_silence(
    database: Database, subscription: Subscription, attempt: Attempt, failure: GatewayFailure, *, now: datetime
) -> None:
    outcome, is_over = "unknown", False
    if isinstance(failure, GatewayUnavailable):
        outcome, is_over = "not_executed", True
    elif failure.status is not None:
        outcome, is_over = ("server_error" if failure.status >= _SERVER_ERROR else "unknown"), True
    async with database.transaction() as connection:  # lint: allow one-transaction-place -- a call lies before it
        await _answer(connection, subscription, attempt, outcome=outcome, stripe_request_id=failure.request_id, now=now)
        if is_over:
            await opening.let_go(connection, subscription)


async def _note_refusal(
    database: Database, subscription: Subscription, attempt: Attempt, failure: GatewayFailure, *, now: datetime
) -> None:
    async with database.transaction() as connection:  # lint: allow one-transaction-place -- a call lies before it
        await _answer(
            connection, subscription, attempt, outcome="refused", stripe_request_id=failure.request_id, now=now
        )
        await opening.refuse(connection, subscription, code=failure.code or "refused", now=now)


async def _answer(
    connection: Connection,
    subscription: Subscription,
    attempt: Attempt,
    *,
    outcome: str,
    stripe_request_id: str | None,
    now: datetime,
) -> None:
    await opening.answer_attempt(
        connection,
        attempt,
        customer_id=subscription.customer_id,
        outcome=outcome,
        stripe_request_id=stripe_request_id,
        now=now,
    )


def refusal_of(failure: GatewayFailure) -> SubscriptionRefused:
    """
    Say to a customer that the subscription was not opened, with their bank's words where it said no.
    """
    if not isinstance(failure, PaymentDeclined):
        return SubscriptionRefused()
    words = {"code": failure.decline.code, "decline_code": failure.decline.decline_code}
    return SubscriptionRefused(decline={name: word for name, word in words.items() if word})


async def _first_invoice(gateway: StripeGateway, theirs: StripeSubscription) -> Invoice | None:
    """
    Read the first invoice; None when Stripe does not answer now, since a look comes anyway.
    """
    if theirs.latest_invoice_id is None:
        return None
    try:
        return await gateway.read_invoice(theirs.latest_invoice_id)
    except (GatewayUnavailable, OutcomeUnknown):
        return None
