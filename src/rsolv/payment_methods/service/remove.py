"""
Remove a payment method, or choose which one is charged.
"""

from datetime import datetime

from rsolv import customers
from rsolv.audit import Actor, record
from rsolv.db import Connection
from rsolv.jobs import enqueue
from rsolv.kernel.events import EventBus
from rsolv.payment_methods.errors import UnknownPaymentMethod
from rsolv.payment_methods.queries import methods
from rsolv.payment_methods.rules import (
    DefaultPaymentMethodChanged,
    PaymentMethod,
    PaymentMethodRemoving,
    detach_job,
    make_default_job,
)

REMAINING_AT_MOST = 2


async def remove(
    connection: Connection, bus: EventBus, *, customer_id: int, payment_method_id: int, actor: Actor, now: datetime
) -> PaymentMethod:
    """
    Remove a payment method for ever, and return it as it then is; of one removed before nothing changes.

    Publishes `PaymentMethodRemoving` first: a subscriber may raise to refuse. The newest that remains becomes the
    default; after the last one there is none. Jobs enqueued here take it away at Stripe and tell of the new default.
    Locks the customer, then the method against `keep_default`; what a subscriber counts afterwards is all there is.

    Raises:
        UnknownPaymentMethod: the customer has none of this id.
    """
    await customers.lock_customer(connection, customer_id=customer_id)
    method = await _found(connection, customer_id=customer_id, payment_method_id=payment_method_id)
    if method.removed_at is not None:
        return method
    remaining = [
        each
        for each in await methods.list_methods(connection, customer_id=customer_id, limit=REMAINING_AT_MOST)
        if each.id != payment_method_id
    ]
    await methods.lock_method_to_remove(connection, customer_id=customer_id, payment_method_id=payment_method_id)
    await bus.publish(
        connection,
        PaymentMethodRemoving(customer_id, payment_method_id, is_last=not remaining, occurred_at=now),
    )
    await methods.mark_removed(connection, customer_id=customer_id, payment_method_id=payment_method_id, removed_at=now)
    await enqueue(connection, detach_job(customer_id, payment_method_id))
    if method.is_default and remaining:
        await methods.mark_default(connection, customer_id=customer_id, payment_method_id=remaining[0].id)
        await _tell_of_default(connection, bus, customer_id=customer_id, payment_method_id=remaining[0].id)
    await _note(connection, method, "payment_method:removed", customer_id=customer_id, actor=actor)
    return await _found(connection, customer_id=customer_id, payment_method_id=payment_method_id)


async def make_default(
    connection: Connection, bus: EventBus, *, customer_id: int, payment_method_id: int, actor: Actor
) -> PaymentMethod:
    """
    Charge this payment method from now on, and enqueue the job that tells Stripe; for the default nothing changes.

    Publishes `DefaultPaymentMethodChanged`. Locks the customer.

    Raises:
        UnknownPaymentMethod: the customer has none of this id, or has removed it.
    """
    await customers.lock_customer(connection, customer_id=customer_id)
    method = await _found(connection, customer_id=customer_id, payment_method_id=payment_method_id)
    if method.removed_at is not None:
        raise UnknownPaymentMethod
    if method.is_default:
        return method
    await methods.clear_default(connection, customer_id=customer_id)
    await methods.mark_default(connection, customer_id=customer_id, payment_method_id=payment_method_id)
    await _tell_of_default(connection, bus, customer_id=customer_id, payment_method_id=payment_method_id)
    await _note(connection, method, "payment_method:made_default", customer_id=customer_id, actor=actor)
    return await _found(connection, customer_id=customer_id, payment_method_id=payment_method_id)


async def _tell_of_default(connection: Connection, bus: EventBus, *, customer_id: int, payment_method_id: int) -> None:
    await enqueue(connection, make_default_job(customer_id))
    await bus.publish(connection, DefaultPaymentMethodChanged(customer_id, payment_method_id))


async def _found(connection: Connection, *, customer_id: int, payment_method_id: int) -> PaymentMethod:
    method = await methods.find_method(connection, customer_id=customer_id, payment_method_id=payment_method_id)
    if method is None:
        raise UnknownPaymentMethod
    return method


async def _note(connection: Connection, method: PaymentMethod, action: str, *, customer_id: int, actor: Actor) -> None:
    await record(connection, actor=actor, action=action, subject=f"payment_method {method.id}", customer_id=customer_id)
