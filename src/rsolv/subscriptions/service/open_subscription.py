"""
Subscribe a customer who is here, at most once.
"""

from dataclasses import dataclass

from rsolv import catalog, customers, idempotency, payment_methods
from rsolv.audit import record
from rsolv.db import Connection, Database
from rsolv.kernel.events import EventBus
from rsolv.payment_methods import Declaration
from rsolv.stripe_gateway import StripeGateway
from rsolv.subscriptions.errors import (
    AlreadySubscribed,
    BillingOff,
    NoBillingInfo,
    NoPaymentMethod,
)
from rsolv.subscriptions.queries import opening, subscriptions
from rsolv.subscriptions.rules import (
    KEY_TRUSTED_FOR,
    LEASE,
    LOOK_WHILE_OPENING,
    TEXT_VERSION,
    Subscription,
    key_of,
    plan_to_sell,
)
from rsolv.subscriptions.service.ask import Way, ask
from rsolv.subscriptions.service.price import ensure_price


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionRequest:
    """
    A customer's wish to be on a plan, with their consent, and the key under which they may repeat it.
    """

    plan: str
    declaration: Declaration
    caller_key_hash: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Terms:
    version: catalog.Version
    plan: str
    label: str
    price_cents: int
    period_credits: int
    stripe_customer_id: str


async def open_subscription(
    database: Database,
    gateway: StripeGateway,
    bus: EventBus,
    request: SubscriptionRequest,
    *,
    customer_id: int,
    billing_enabled: bool = True,
) -> Subscription:
    """
    Subscribe a customer to a plan at the prices of their catalogue version, and return the subscription as it stands.

    "active" when the first invoice is paid, with its credits; "incomplete" when their bank wants them or said no:
    `action_url` is where they go. A row, its consent and the attempt with its key are committed before Stripe is asked;
    where an answer was lost, Stripe's list is asked before anything is repeated. A repeat under the caller's key, or
    while the first ask has no answer yet, goes on with that. Calls Stripe, so do not call this in a transaction.

    Raises:
        BillingOff: nobody is charged at the moment.
        PlanNotSold, NoBillingInfo, NoPaymentMethod, AlreadySubscribed: nothing happened anywhere.
        SubscriptionInProgress: the first ask is still on its way.
        KeyReused: the caller's key was used for another plan.
        SubscriptionRefused: Stripe would not; nothing was charged.
        GatewayFailure: Stripe could not be asked or did not answer; calling again is safe.
    """
    if not billing_enabled:
        raise BillingOff
    async with database.reading() as connection:
        terms = await _terms(connection, request, customer_id=customer_id)
    price_id = await ensure_price(
        gateway,
        plan=terms.plan,
        label=terms.label,
        price_cents=terms.price_cents,
        currency=terms.version.catalog.currency,
    )
    async with database.transaction() as connection:  # lint: allow one-transaction-place -- calls before and after it
        subscription, way = await _taken_up(
            connection, bus, request, terms, customer_id=customer_id, stripe_price_id=price_id
        )
    if subscription.state != "opening":
        return subscription
    return await ask(database, gateway, bus, subscription, way=way, now=request.declaration.at)


async def _terms(connection: Connection, request: SubscriptionRequest, *, customer_id: int) -> _Terms:
    version = await catalog.get_pinned(connection, customer_id=customer_id)
    plan = plan_to_sell(version, request.plan)
    stripe_customer_id = await customers.find_stripe_customer_id(connection, customer_id=customer_id)
    if stripe_customer_id is None:
        raise NoBillingInfo
    assert plan.monthly_price_cents is not None, "it is sold by the month"
    return _Terms(
        version=version,
        plan=request.plan,
        label=plan.label,
        price_cents=plan.monthly_price_cents,
        period_credits=plan.period_credits,
        stripe_customer_id=stripe_customer_id,
    )


async def _taken_up(
    connection: Connection,
    bus: EventBus,
    request: SubscriptionRequest,
    terms: _Terms,
    *,
    customer_id: int,
    stripe_price_id: str,
) -> tuple[Subscription, Way]:
    """
    Write down a new subscription, or find the one that this is a repeat of; whichever we may buy is held by us.
    """
    await customers.lock_customer(connection, customer_id=customer_id)
    now = request.declaration.at
    earlier = await _earlier(connection, request, customer_id=customer_id)
    if earlier is None:
        new = await _new(connection, bus, request, terms, customer_id=customer_id, stripe_price_id=stripe_price_id)
        return new, "buy"
    if earlier.state != "opening" or earlier.is_held:
        return earlier, "look"
    await opening.hold(connection, earlier, lease=LEASE, look_at=now + LOOK_WHILE_OPENING)
    return earlier, "again"


async def _earlier(connection: Connection, request: SubscriptionRequest, *, customer_id: int) -> Subscription | None:
    """
    Return what this is a repeat of: by the caller's key, or because it was asked for and has no answer yet.
    """
    live = await subscriptions.find_newest(connection, customer_id=customer_id)
    if request.caller_key_hash is not None:
        found_id = await opening.find_id_by_caller_key(
            connection,
            customer_id=customer_id,
            caller_key_hash=request.caller_key_hash,
            since=request.declaration.at - KEY_TRUSTED_FOR,
        )
        if found_id is not None:
            return await _of_same_plan(connection, request, customer_id=customer_id, subscription_id=found_id)
    if live is None or live.has_ended:
        return None
    if live.state == "opening" and live.plan == request.plan:
        return live
    raise AlreadySubscribed(state=live.state)


async def _of_same_plan(
    connection: Connection, request: SubscriptionRequest, *, customer_id: int, subscription_id: int
) -> Subscription | None:
    found = await subscriptions.find_subscription(connection, customer_id=customer_id, subscription_id=subscription_id)
    assert found is not None, "its id was found"
    if found.plan != request.plan:
        raise idempotency.KeyReused(fields={"Idempotency-Key": ["was used for a different request"]})
    return found if found.state != "refused" else None


async def _new(
    connection: Connection,
    bus: EventBus,
    request: SubscriptionRequest,
    terms: _Terms,
    *,
    customer_id: int,
    stripe_price_id: str,
) -> Subscription:
    card = await payment_methods.find_default(connection, customer_id=customer_id)
    if card is None:
        raise NoPaymentMethod
    consent_id = await payment_methods.give_consent(
        connection, bus, request.declaration, customer_id=customer_id, payment_method_id=card.id
    )
    now = request.declaration.at
    subscription_id = await opening.insert_subscription(
        connection,
        payment_methods.evidence_of(request.declaration, terms.version),
        customer_id=customer_id,
        plan=terms.plan,
        price_cents=terms.price_cents,
        period_credits=terms.period_credits,
        stripe_customer_id=terms.stripe_customer_id,
        stripe_price_id=stripe_price_id,
        payment_method_id=card.id,
        consent_id=consent_id,
        text_version=TEXT_VERSION,
        caller_key_hash=request.caller_key_hash,
        lease=LEASE,
        look_at=now + LOOK_WHILE_OPENING,
    )
    new = await subscriptions.find_subscription(connection, customer_id=customer_id, subscription_id=subscription_id)
    assert new is not None, "inserted just now"
    await opening.insert_attempt(connection, new, number=1, key=key_of(new, 1), sent_at=now)
    await record(
        connection,
        actor=request.declaration.actor,
        action="subscription:asked",
        subject=f"subscription {new.id}",
        customer_id=customer_id,
        facts={"plan": new.plan, "price_cents": new.price_cents, "consent_id": consent_id},
    )
    return new
