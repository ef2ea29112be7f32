"""
Keep a subscription and the card that pays it together.
"""

from rsolv.db import Connection
from rsolv.jobs import enqueue
from rsolv.payment_methods import DefaultPaymentMethodChanged, PaymentMethodRemoving
from rsolv.subscriptions.errors import PaymentMethodNeeded
from rsolv.subscriptions.queries import subscriptions
from rsolv.subscriptions.service.promises import card_job


async def refuse_removal_while_subscribed(connection: Connection, removing: PaymentMethodRemoving) -> None:
    """
    Keep the last payment method while there is a subscription, also one that ends with its period.

    Subscribes to `PaymentMethodRemoving`.

    Raises:
        PaymentMethodNeeded: it is the last one, and a subscription has not ended.
    """
    found = await subscriptions.find_newest(connection, customer_id=removing.customer_id) if removing.is_last else None
    if found is not None and not found.has_ended:
        raise PaymentMethodNeeded


async def follow_default_card(connection: Connection, changed: DefaultPaymentMethodChanged) -> None:
    """
    Promise to have the subscription paid by the card that is the default now.

    Subscribes to `DefaultPaymentMethodChanged`.
    """
    found = await subscriptions.find_newest(connection, customer_id=changed.customer_id)
    if found is not None and not found.has_ended:
        await enqueue(connection, card_job(changed.customer_id))
