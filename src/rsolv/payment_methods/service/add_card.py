"""
What adding a card comes to, whichever way it came: entered on the hosted page, or set up elsewhere.
"""

from datetime import datetime

from rsolv import catalog, customers, ledger
from rsolv.audit import Actor, record
from rsolv.db import Connection
from rsolv.jobs import enqueue
from rsolv.kernel.events import EventBus
from rsolv.payment_methods.queries import consents, methods
from rsolv.payment_methods.rules import (
    ConsentGiven,
    DefaultPaymentMethodChanged,
    Evidence,
    PaymentMethod,
    PaymentMethodAdded,
    StripeSource,
    make_default_job,
)
from rsolv.stripe_gateway import Card


async def add_card(
    connection: Connection,
    bus: EventBus,
    card: Card,
    *,
    customer: customers.Customer,
    stripe_payment_method_id: str,
    evidence: Evidence,
    source: StripeSource,
    actor: Actor,
    now: datetime,
    consent_withdrawn_at: datetime | None = None,
) -> PaymentMethod:
    """
    Give a customer a card that is theirs at Stripe, as the default, and write down the consent to charge it.

    Call with the customer locked. A card they have already stays as it is and only the consent is new. The first ever
    ends the trial, and earns the catalogue's credits unless this very card has earned them for anybody. Publishes
    `PaymentMethodAdded` and `ConsentGiven`, and enqueues the job that tells Stripe of the default. A consent that was
    withdrawn before it could be written down is written down with its withdrawal.
    """
    method = await methods.find_method_by_stripe_id(
        connection, customer_id=customer.id, stripe_payment_method_id=stripe_payment_method_id
    )
    is_new = method is None
    if method is None:
        await methods.clear_default(connection, customer_id=customer.id)
        method = await methods.insert_default(
            connection,
            customer_id=customer.id,
            stripe_payment_method_id=stripe_payment_method_id,
            card=card,
            added_at=now,
        )
    consent_id = await consents.insert_consent(
        connection, evidence, source, customer_id=customer.id, payment_method_id=method.id
    )
    if consent_withdrawn_at is not None:
        await consents.insert_withdrawal(
            connection,
            customer_id=customer.id,
            consent_id=consent_id,
            actor=evidence.actor,
            withdrawn_at=consent_withdrawn_at,
        )
    await record(
        connection,
        actor=actor,
        action="payment_method:added" if is_new else "consent:given",
        subject=f"payment_method {method.id}",
        customer_id=customer.id,
        facts={"consent_id": consent_id},
    )
    if is_new:
        await bus.publish(connection, PaymentMethodAdded(customer.id, method.id, now))
        await bus.publish(connection, DefaultPaymentMethodChanged(customer.id, method.id))
        await enqueue(connection, make_default_job(customer.id))
    if consent_withdrawn_at is None:
        await bus.publish(connection, ConsentGiven(customer.id, consent_id, now))
    if is_new:
        # Last: whoever hears of the card locks debts, and those come before the ledger.
        await _end_trial(connection, customer, method, consent_id=consent_id, now=now)
    return method


async def _end_trial(
    connection: Connection, customer: customers.Customer, method: PaymentMethod, *, consent_id: int, now: datetime
) -> None:
    """
    Let the first payment method ever turn a trial into paying as you go, and grant the credits for it.
    """
    version = await catalog.get_pinned(connection, customer_id=customer.id)
    trial_name, trial = version.catalog.trial()
    is_first = await methods.count_methods_ever(connection, customer_id=customer.id) == 1
    if not is_first or customer.subscription_type != trial_name:
        return
    await customers.change_plan(connection, customer.id, version.catalog.pay_as_you_go()[0])
    if not trial.payment_method_credits or method.fingerprint is None:
        return
    is_earned = await methods.insert_card_bonus_once(
        connection, customer_id=customer.id, fingerprint=method.fingerprint, granted_at=now
    )
    if is_earned:
        await ledger.grant(
            connection,
            customer_id=customer.id,
            credits=trial.payment_method_credits,
            source="trial_billing_added",
            cause=ledger.Cause("payment_method_added", str(customer.id)),
            basis=ledger.Basis(catalog_version_id=version.id, consent_id=consent_id),
        )
