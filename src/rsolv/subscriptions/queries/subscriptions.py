"""
Queries about subscriptions. Whether one is held is asked of the database's clock, which all processes share.
"""

from datetime import datetime

from rsolv.db import Connection, Row
from rsolv.subscriptions.rules import Subscription


async def find_subscription(connection: Connection, *, customer_id: int, subscription_id: int) -> Subscription | None:
    """
    Return one subscription of a customer.
    """
    row = await connection.fetchrow(
        """
        SELECT s.*, m.stripe_payment_method_id, coalesce(s.lease_until > clock_timestamp(), false) AS is_held
        FROM subscriptions s
        JOIN payment_methods m ON m.customer_id = s.customer_id AND m.id = s.payment_method_id
        WHERE s.customer_id = $1 AND s.id = $2
        """,
        customer_id,
        subscription_id,
    )
    return row and _subscription(row)


async def lock_subscription(connection: Connection, *, customer_id: int, subscription_id: int) -> Subscription | None:
    """
    Return one subscription of a customer, whose row is locked until the transaction ends.
    """
    await connection.execute(
        "SELECT FROM subscriptions WHERE customer_id = $1 AND id = $2 FOR NO KEY UPDATE", customer_id, subscription_id
    )
    return await find_subscription(connection, customer_id=customer_id, subscription_id=subscription_id)


async def find_newest(connection: Connection, *, customer_id: int) -> Subscription | None:
    """
    Return a customer's subscription: the one that has not ended, else the last one that Stripe had.
    """
    row = await connection.fetchrow(
        """
        SELECT s.*, m.stripe_payment_method_id, coalesce(s.lease_until > clock_timestamp(), false) AS is_held
        FROM subscriptions s
        JOIN payment_methods m ON m.customer_id = s.customer_id AND m.id = s.payment_method_id
        WHERE s.customer_id = $1 AND s.state <> 'refused'
        ORDER BY s.ended_at IS NULL DESC, s.id DESC LIMIT 1
        """,
        customer_id,
    )
    return row and _subscription(row)


async def find_owner_by_stripe_id(connection: Connection, *, stripe_subscription_id: str) -> tuple[int, int] | None:
    """
    Return whose subscription has this id at Stripe, and which it is.
    """
    row = await connection.fetchrow(
        "SELECT customer_id, subscription_id FROM stripe_subscriptions WHERE stripe_subscription_id = $1",
        stripe_subscription_id,
    )
    return row and (row["customer_id"], row["subscription_id"])


async def note_stripe_id(connection: Connection, subscription: Subscription, *, stripe_subscription_id: str) -> None:
    """
    Note which one at Stripe it is, for ever.
    """
    await connection.execute(
        """
        INSERT INTO stripe_subscriptions (stripe_subscription_id, customer_id, subscription_id) VALUES ($1, $2, $3)
        """,
        stripe_subscription_id,
        subscription.customer_id,
        subscription.id,
    )


async def update_subscription(connection: Connection, after: Subscription) -> None:
    """
    Write what Stripe says, and that it was heard.
    """
    await connection.execute(
        """
        UPDATE subscriptions
        SET state = $3, stripe_subscription_id = $4, period_starts_at = $5, period_ends_at = $6, cancel_at = $7,
            cancel_at_period_end = $8, canceled_at = $9, latest_invoice_id = $10, action_url = $11, started_at = $12,
            past_due_since = $13, churned_at = $14, ended_at = $15, look_at = $16, refused_code = NULL,
            lease_until = NULL, version = version + 1
        WHERE customer_id = $1 AND id = $2
        """,
        after.customer_id,
        after.id,
        after.state,
        after.stripe_subscription_id,
        after.period_starts_at,
        after.period_ends_at,
        after.cancel_at,
        after.cancel_at_period_end,
        after.canceled_at,
        after.latest_invoice_id,
        after.action_url,
        after.started_at,
        after.past_due_since,
        after.churned_at,
        after.ended_at,
        after.look_at,
    )


async def look_again_by(connection: Connection, subscription: Subscription, *, look_at: datetime) -> None:
    """
    Have a subscription that has not ended looked at no later than this.
    """
    await connection.execute(
        "UPDATE subscriptions SET look_at = least(look_at, $3) WHERE customer_id = $1 AND id = $2 AND ended_at IS NULL",
        subscription.customer_id,
        subscription.id,
        look_at,
    )


async def put_off_look(connection: Connection, subscription: Subscription, *, look_at: datetime) -> None:
    """
    Have a subscription looked at then, since there is no news now.
    """
    await connection.execute(
        "UPDATE subscriptions SET look_at = $3 WHERE customer_id = $1 AND id = $2 AND ended_at IS NULL",
        subscription.customer_id,
        subscription.id,
        look_at,
    )


async def rest_after_end(connection: Connection, subscription: Subscription, *, look_at: datetime | None) -> None:
    """
    Note when the invoices of a subscription that has ended are looked at again, if ever.
    """
    await connection.execute(
        """
        UPDATE subscriptions SET look_at = $3 WHERE customer_id = $1 AND id = $2 AND ended_at IS NOT NULL
        """,
        subscription.customer_id,
        subscription.id,
        look_at,
    )


async def set_card(connection: Connection, subscription: Subscription, *, payment_method_id: int) -> None:
    """
    Note which payment method a subscription is paid by.
    """
    await connection.execute(
        "UPDATE subscriptions SET payment_method_id = $3 WHERE customer_id = $1 AND id = $2",
        subscription.customer_id,
        subscription.id,
        payment_method_id,
    )


async def take_due_by_look_time(
    connection: Connection, *, due_before: datetime, look_at: datetime, limit: int
) -> list[Row]:
    """
    Put off subscriptions that it is time to look at, the longest due first, and return customer and id of each.

    Those that somebody has locked are left for the next time.
    """
    return await connection.fetch(
        """
        UPDATE subscriptions SET look_at = $2
        WHERE (customer_id, id) IN (
            SELECT customer_id, id FROM subscriptions WHERE look_at <= $1
            ORDER BY look_at LIMIT $3 FOR NO KEY UPDATE SKIP LOCKED
        )
        RETURNING customer_id, id
        """,
        due_before,
        look_at,
        limit,
    )


def _subscription(row: Row) -> Subscription:
    return Subscription(**{name: row[name] for name in Subscription.__dataclass_fields__})
