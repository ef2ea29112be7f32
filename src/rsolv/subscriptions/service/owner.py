"""
Find out whose subscription an object of Stripe's is about, and take it up under the customer's lock.
"""

from collections.abc import Mapping

from rsolv import customers
from rsolv.db import Connection
from rsolv.stripe_gateway import CUSTOMER_KEY
from rsolv.subscriptions.queries import subscriptions
from rsolv.subscriptions.rules import MARK, Subscription, marks_of


async def lock_owner(
    connection: Connection, stripe_subscription_id: str | None, metadata: Mapping[str, str]
) -> tuple[customers.Customer, Subscription] | None:
    """
    Return the customer and the subscription that has this id at Stripe, or else these marks; None when it is not ours.

    Locks the customer, then the subscription. Marks count only with the nonce that nobody else knows.
    """
    known = None
    if stripe_subscription_id is not None:
        known = await subscriptions.find_owner_by_stripe_id(connection, stripe_subscription_id=stripe_subscription_id)
    owner = known or await _marked(connection, metadata)
    if owner is None:
        return None
    customer = await customers.lock_customer(connection, customer_id=owner[0])
    subscription = await subscriptions.lock_subscription(connection, customer_id=owner[0], subscription_id=owner[1])
    assert subscription is not None, "found before; rows of subscriptions stay"
    return customer, subscription


async def _marked(connection: Connection, metadata: Mapping[str, str]) -> tuple[int, int] | None:
    said = (metadata.get(CUSTOMER_KEY, ""), metadata.get(MARK, ""))
    if not all(word.isascii() and word.isdigit() and len(word) < 19 for word in said):  # noqa: PLR2004 -- fits a bigint
        return None
    customer_id, subscription_id = int(said[0]), int(said[1])
    found = await subscriptions.find_subscription(connection, customer_id=customer_id, subscription_id=subscription_id)
    return (customer_id, subscription_id) if found and marks_of(found).items() <= metadata.items() else None
