"""
Demand the consent to be charged, and end it.
"""

from rsolv import customers
from rsolv.audit import record
from rsolv.db import Connection
from rsolv.kernel.events import EventBus
from rsolv.payment_methods.errors import BillingConsentRequired
from rsolv.payment_methods.queries import consents
from rsolv.payment_methods.rules import ConsentWithdrawn, Declaration


def require_consent(*, billing_consent: bool) -> None:
    """
    Go no further without consent.

    Raises:
        BillingConsentRequired: there is none.
    """
    if not billing_consent:
        raise BillingConsentRequired(fields={"billing_consent": ["must be true"]})


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
