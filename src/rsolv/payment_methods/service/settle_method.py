"""
Believe Stripe of a payment method: it may have been renewed by its network, or taken away elsewhere.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from rsolv import customers
from rsolv.audit import SYSTEM, record
from rsolv.db import Connection
from rsolv.kernel.events import EventBus
from rsolv.payment_methods.errors import PaymentMethodMixedUp, PaymentMethodMoved
from rsolv.payment_methods.queries import methods
from rsolv.payment_methods.rules import PaymentMethod
from rsolv.payment_methods.service.remove import remove
from rsolv.stripe_gateway import Card
from rsolv.stripe_gateway import PaymentMethod as StripePaymentMethod

MethodSettled = Literal["already", "refreshed", "removed"]


@dataclass(frozen=True, slots=True)
class KnownMethod:
    """
    A payment method as it is here, and whose it is; looked up before Stripe is asked.
    """

    customer_id: int
    method: PaymentMethod


async def find_known(connection: Connection, *, stripe_payment_method_id: str) -> KnownMethod | None:
    """
    Return what we know under an id of Stripe's, whoever's it is; None when it was never added here.
    """
    owner = await methods.find_owner_by_stripe_id(connection, stripe_payment_method_id=stripe_payment_method_id)
    if owner is None:
        return None
    method = await methods.find_method(connection, customer_id=owner[0], payment_method_id=owner[1])
    assert method is not None, "the look-up refers to it"
    return KnownMethod(owner[0], method)


async def settle_method(
    connection: Connection, bus: EventBus, known: KnownMethod, theirs: StripePaymentMethod, *, now: datetime
) -> MethodSettled:
    """
    Make a payment method agree with what was read of it at Stripe after *known* was looked up.

    One that is nobody's there any more is removed here, as by its customer; a renewed card shows its new dates. One
    that was removed here stays so. Locks the customer. An older reading never undoes a newer one: who comes second
    is sent to read again.

    Raises:
        PaymentMethodMoved: it was changed here meanwhile; nothing changed now.
        PaymentMethodMixedUp: at Stripe it is another customer's; nothing changed.
        DomainError: a subscriber of `PaymentMethodRemoving` refused; nothing changed.
    """
    customer_id, method = known.customer_id, known.method
    await customers.lock_customer(connection, customer_id=customer_id)
    if await methods.find_method(connection, customer_id=customer_id, payment_method_id=method.id) != method:
        raise PaymentMethodMoved
    if method.removed_at is not None:
        return "already"
    if theirs.stripe_customer_id is None:
        await remove(connection, bus, customer_id=customer_id, payment_method_id=method.id, actor=SYSTEM, now=now)
        return "removed"
    if await customers.find_by_stripe_id(connection, stripe_customer_id=theirs.stripe_customer_id) != customer_id:
        raise PaymentMethodMixedUp(f"payment method {method.id} of customer {customer_id}")
    if theirs.card is None or theirs.card == _card(method):
        return "already"
    await methods.update_card(connection, customer_id=customer_id, payment_method_id=method.id, card=theirs.card)
    await record(
        connection,
        actor=SYSTEM,
        action="payment_method:refreshed",
        subject=f"payment_method {method.id}",
        customer_id=customer_id,
    )
    return "refreshed"


def _card(method: PaymentMethod) -> Card:
    return Card(
        brand=method.brand,
        last4=method.last4,
        expires_month=method.expires_month,
        expires_year=method.expires_year,
        fingerprint=method.fingerprint,
    )
