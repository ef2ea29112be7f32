"""
Make a new customer who can start at once.
"""

from datetime import datetime

from rsolv import api_keys, catalog, customers, ledger
from rsolv.audit import Actor, record
from rsolv.db import Connection
from rsolv.jobs import enqueue
from rsolv.provisioning import queries
from rsolv.provisioning.rules import FIRST_KEY_NAME, Provisioned, promised_jobs

ONBOARDING_STEPS = (
    "customer_created",
    "api_key_generated",
    "credits_allocated",
    "stripe_customer_promised",
    "emails_promised",
)


async def provision_customer(
    connection: Connection,
    new: customers.NewCustomer,
    *,
    actor: Actor,
    now: datetime,
    auto_provisioned: bool = True,
) -> Provisioned:
    """
    Create a trial customer with a catalogue pin, a first key and the opening credits, and promise the rest.

    All of it happens in the caller's transaction, so any failure leaves nothing. Calls no outside system: the Stripe
    customer and the welcome mails are jobs enqueued here. The key is in the answer and nowhere else.

    Raises:
        EmailTaken: another customer has the address; roll back.
        NoCatalogInEffect: there is nothing to sign up for; roll back.
    """
    version = await catalog.get_in_effect(connection, now=now)
    plan_name, plan = version.catalog.trial()
    customer = await customers.create_customer(
        connection, new, plan=plan_name, auto_provisioned=auto_provisioned, now=now
    )
    await catalog.pin_customer(connection, customer_id=customer.id, version_id=version.id, now=now)
    key = await api_keys.issue_key(connection, customer_id=customer.id, name=FIRST_KEY_NAME, actor=actor, now=now)
    await ledger.open_accounts(connection, customer_id=customer.id)
    if plan.signup_credits:
        await ledger.grant(
            connection,
            customer_id=customer.id,
            credits=plan.signup_credits,
            source="trial_signup",
            cause=ledger.Cause("signup", str(customer.id)),
            basis=ledger.Basis(catalog_version_id=version.id),
            metadata={"source": customer.source},
        )
    await queries.insert_onboarding_events(
        connection, customer_id=customer.id, event_types=ONBOARDING_STEPS, occurred_at=now
    )
    await record(
        connection,
        actor=actor,
        action="customer:provisioned",
        subject=f"customer {customer.id}",
        customer_id=customer.id,
        facts={"source": customer.source, "catalog_version": version.id},
    )
    await enqueue(connection, *promised_jobs(customer.id))
    return Provisioned(customer=customer, key=key, credit_balance=plan.signup_credits)
