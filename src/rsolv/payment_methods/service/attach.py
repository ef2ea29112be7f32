"""
Add a payment method that was set up elsewhere.
"""

from rsolv import catalog, customers
from rsolv.db import Connection, Database
from rsolv.kernel.events import EventBus
from rsolv.payment_methods.queries import attaches, methods
from rsolv.payment_methods.rules import (
    HOUR,
    USUAL_LIMITS,
    CardLimits,
    Declaration,
    PaymentMethod,
    StripeSource,
    attach_key,
    evidence_of,
    refusal_of,
    require_room,
    unusable,
)
from rsolv.payment_methods.service.add_card import add_card
from rsolv.stripe_gateway import GatewayMisused, NeedsAction, PaymentDeclined, StripeGateway
from rsolv.stripe_gateway import PaymentMethod as StripePaymentMethod


async def attach(
    database: Database,
    gateway: StripeGateway,
    bus: EventBus,
    declaration: Declaration,
    *,
    customer_id: int,
    stripe_payment_method_id: str,
    limits: CardLimits = USUAL_LIMITS,
) -> PaymentMethod:
    """
    Give a customer who has agreed to be charged the payment method that Stripe has under this id.

    Idempotent by that id: a repeat finds it added and only writes down another consent. The key for Stripe follows from
    the customer, the id and how many methods they had, all of which a repeat finds as they were. Calls Stripe, so do
    not call this in a transaction.

    Asking for one that is not known yet is counted before Stripe hears of it, under the customer's lock; a repeat is
    not counted again.

    Raises:
        TooManyCards: as many others as the limits allow were asked for within the hour, whatever came of them.
        PaymentMethodUnusable: Stripe has none of this id for this customer, it is no card, or it was removed before.
        CardDeclined: the bank said no; nothing was added.
        CardAuthenticationRequired: the bank wants to hear from the customer first; nothing was added.
        GatewayFailure: Stripe could not be asked or did not answer; calling again is safe.
    """
    async with database.transaction() as connection:  # lint: allow one-transaction-place -- a call lies after it
        await customers.lock_customer(connection, customer_id=customer_id)
        known = await methods.find_method_by_stripe_id(
            connection, customer_id=customer_id, stripe_payment_method_id=stripe_payment_method_id
        )
        _require_not_removed(known)
        if known is None:
            await _count(
                connection,
                declaration,
                customer_id=customer_id,
                stripe_payment_method_id=stripe_payment_method_id,
                limits=limits,
            )
        count = await methods.count_methods_ever(connection, customer_id=customer_id)
    stripe_customer_id = await customers.ensure_stripe_customer(database, gateway, customer_id=customer_id)
    key = attach_key(stripe_customer_id, stripe_payment_method_id, methods_ever=count)
    theirs = await _attached(gateway, stripe_payment_method_id, stripe_customer_id=stripe_customer_id, key=key)
    if theirs.card is None:
        raise unusable("is not a card")
    async with database.transaction() as connection:  # lint: allow one-transaction-place -- a call lies before it
        customer = await customers.lock_customer(connection, customer_id=customer_id)
        _require_not_removed(
            await methods.find_method_by_stripe_id(
                connection, customer_id=customer_id, stripe_payment_method_id=theirs.id
            )
        )
        version = await catalog.get_pinned(connection, customer_id=customer_id)
        return await add_card(
            connection,
            bus,
            theirs.card,
            customer=customer,
            stripe_payment_method_id=theirs.id,
            evidence=evidence_of(declaration, version),
            source=StripeSource(),
            actor=declaration.actor,
            now=declaration.at,
        )


async def _count(
    connection: Connection,
    declaration: Declaration,
    *,
    customer_id: int,
    stripe_payment_method_id: str,
    limits: CardLimits,
) -> None:
    now, since = declaration.at, declaration.at - HOUR
    if await attaches.has_asked(
        connection, customer_id=customer_id, stripe_payment_method_id=stripe_payment_method_id, since=since
    ):
        return
    full_since = await attaches.find_attach_by_recency(
        connection, customer_id=customer_id, since=since, nth=limits.attaches_per_hour_max
    )
    require_room(full_since, window=HOUR, now=now)
    await attaches.insert_attach(
        connection, customer_id=customer_id, stripe_payment_method_id=stripe_payment_method_id, asked_at=now
    )


async def _attached(
    gateway: StripeGateway, stripe_payment_method_id: str, *, stripe_customer_id: str, key: str
) -> StripePaymentMethod:
    try:
        return await gateway.attach_payment_method(
            stripe_payment_method_id, stripe_customer_id=stripe_customer_id, key=key
        )
    except (PaymentDeclined, NeedsAction, GatewayMisused) as failure:
        raise refusal_of(failure) from failure


def _require_not_removed(method: PaymentMethod | None) -> None:
    if method is not None and method.removed_at is not None:
        raise unusable("was removed, which is for ever; set the card up anew")
