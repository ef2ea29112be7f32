"""
Demand the consent to be charged, and end it.
"""

from rsolv import catalog, customers
from rsolv.audit import record
from rsolv.db import Connection
from rsolv.kernel.events import EventBus
from rsolv.payment_methods.errors import BillingConsentRequired
from rsolv.payment_methods.queries import consents
from rsolv.payment_methods.rules import ConsentGiven, ConsentWithdrawn, Declaration, StripeSource, evidence_of


def require_consent(*, billing_consent: bool) -> None:
    """
    Go no further without consent.

    Raises:
        BillingConsentRequired: there is none.
    """
    if not billing_consent:
        raise BillingConsentRequired(fields={"billing_consent": ["must be true"]})


async def give_consent(
    connection: Connection, bus: EventBus, declaration: Declaration, *, customer_id: int, payment_method_id: int
) -> int:
    """
    Write down that a customer agrees to the prices of today for a card they have, and return the consent's id.

    Publishes `ConsentGiven`. Call with the customer locked.
    """
    version = await catalog.get_pinned(connection, customer_id=customer_id)
    consent_id = await consents.insert_consent(
        connection,
        evidence_of(declaration, version),
        StripeSource(),
        customer_id=customer_id,
        payment_method_id=payment_method_id,
    )
    await bus.publish(connection, ConsentGiven(customer_id, consent_id, declaration.at))
    return consent_id


async def withdraw_consent(connection: Connection, bus: EventBus, declaration: Declaration, *, customer_id: int) -> int:
    """
    Withdraw every consent a customer has given, and return how many were live; a repeat withdraws none.

    Publishes `ConsentWithdrawn` in any case, for what was agreed to and is not written down as a consent yet. Payment
    methods stay. Locks the customer.
    """
    await customers.lock_customer(connection, customer_id=customer_id)
    withdrawn = await consents.withdraw_all(connection, declaration, customer_id=customer_id)
    await bus.publish(connection, ConsentWithdrawn(customer_id, declaration.at))
    if withdrawn:
        await record(
            connection,
            actor=declaration.actor,
            action="consent:withdrawn",
            subject=f"customer {customer_id}",
            customer_id=customer_id,
            facts={"withdrawn": withdrawn},
        )
    return withdrawn
