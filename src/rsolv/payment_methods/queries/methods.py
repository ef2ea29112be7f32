"""
Queries about payment methods, and the credits for adding one.
"""

from datetime import datetime

from rsolv.db import Connection
from rsolv.payment_methods.rules import PaymentMethod
from rsolv.stripe_gateway import Card


async def find_default(connection: Connection, *, customer_id: int) -> PaymentMethod | None:
    """
    Return the payment method that is charged.
    """
    row = await connection.fetchrow(
        """
        SELECT id, stripe_payment_method_id, brand, last4, expires_month, expires_year, fingerprint, is_default,
               added_at, removed_at
        FROM payment_methods WHERE customer_id = $1 AND is_default
        """,
        customer_id,
    )
    return row and PaymentMethod(**row)


async def keep_default(connection: Connection, *, customer_id: int) -> PaymentMethod | None:
    """
    Return the payment method that is charged, kept from being removed until the transaction ends.

    Waits for who is removing it, and for nobody else. None also when it was removed, or another made the default, while
    this waited: a second look sees what there is then.
    """
    row = await connection.fetchrow(
        """
        SELECT id, stripe_payment_method_id, brand, last4, expires_month, expires_year, fingerprint, is_default,
               added_at, removed_at
        FROM payment_methods WHERE customer_id = $1 AND is_default FOR KEY SHARE
        """,
        customer_id,
    )
    return row and PaymentMethod(**row)


async def lock_method_to_remove(connection: Connection, *, customer_id: int, payment_method_id: int) -> None:
    """
    Wait until nobody keeps a payment method any more, and let nobody keep it until the transaction ends.
    """
    await connection.execute(
        "SELECT FROM payment_methods WHERE customer_id = $1 AND id = $2 FOR UPDATE", customer_id, payment_method_id
    )


async def find_method(connection: Connection, *, customer_id: int, payment_method_id: int) -> PaymentMethod | None:
    """
    Return one payment method of a customer, also a removed one.
    """
    row = await connection.fetchrow(
        """
        SELECT id, stripe_payment_method_id, brand, last4, expires_month, expires_year, fingerprint, is_default,
               added_at, removed_at
        FROM payment_methods WHERE customer_id = $1 AND id = $2
        """,
        customer_id,
        payment_method_id,
    )
    return row and PaymentMethod(**row)


async def find_method_by_stripe_id(
    connection: Connection, *, customer_id: int, stripe_payment_method_id: str
) -> PaymentMethod | None:
    """
    Return the payment method that has this id at Stripe, also a removed one.
    """
    row = await connection.fetchrow(
        """
        SELECT id, stripe_payment_method_id, brand, last4, expires_month, expires_year, fingerprint, is_default,
               added_at, removed_at
        FROM payment_methods WHERE customer_id = $1 AND stripe_payment_method_id = $2
        """,
        customer_id,
        stripe_payment_method_id,
    )
    return row and PaymentMethod(**row)


async def find_owner_by_stripe_id(connection: Connection, *, stripe_payment_method_id: str) -> tuple[int, int] | None:
    """
    Return whose payment method it is: the customer's id and our id of the method, also of a removed one.
    """
    row = await connection.fetchrow(
        "SELECT customer_id, payment_method_id FROM stripe_payment_methods WHERE stripe_payment_method_id = $1",
        stripe_payment_method_id,
    )
    return row and (row["customer_id"], row["payment_method_id"])


async def list_methods(connection: Connection, *, customer_id: int, limit: int) -> list[PaymentMethod]:
    """
    Return the payment methods that have not been removed, the newest first.
    """
    rows = await connection.fetch(
        """
        SELECT id, stripe_payment_method_id, brand, last4, expires_month, expires_year, fingerprint, is_default,
               added_at, removed_at
        FROM payment_methods WHERE customer_id = $1 AND removed_at IS NULL
        ORDER BY id DESC LIMIT $2
        """,
        customer_id,
        limit,
    )
    return [PaymentMethod(**row) for row in rows]


async def count_methods_ever(connection: Connection, *, customer_id: int) -> int:
    """
    Count the payment methods a customer has had, the removed ones too.
    """
    count: int = await connection.fetchval("SELECT count(*) FROM payment_methods WHERE customer_id = $1", customer_id)
    return count


async def insert_default(
    connection: Connection, *, customer_id: int, stripe_payment_method_id: str, card: Card, added_at: datetime
) -> PaymentMethod:
    """
    Add a payment method as the default; there must be no other default.
    """
    row = await connection.fetchrow(
        """
        WITH added AS (
            INSERT INTO payment_methods (customer_id, stripe_payment_method_id, brand, last4, expires_month,
                                         expires_year, fingerprint, is_default, added_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, true, $8)
            RETURNING id, stripe_payment_method_id, brand, last4, expires_month, expires_year, fingerprint, is_default,
                      added_at, removed_at
        ), known AS (
            INSERT INTO stripe_payment_methods (stripe_payment_method_id, customer_id, payment_method_id)
            SELECT stripe_payment_method_id, $1, id FROM added ON CONFLICT DO NOTHING
        )
        SELECT * FROM added
        """,
        customer_id,
        stripe_payment_method_id,
        card.brand,
        card.last4,
        card.expires_month,
        card.expires_year,
        card.fingerprint,
        added_at,
    )
    assert row is not None, "inserted just now"
    return PaymentMethod(**row)


async def clear_default(connection: Connection, *, customer_id: int) -> None:
    """
    Leave a customer without a default, to make another one.
    """
    await connection.execute(
        "UPDATE payment_methods SET is_default = false WHERE customer_id = $1 AND is_default", customer_id
    )


async def mark_default(connection: Connection, *, customer_id: int, payment_method_id: int) -> None:
    """
    Make a payment method the default; there must be no other.
    """
    await connection.execute(
        "UPDATE payment_methods SET is_default = true WHERE customer_id = $1 AND id = $2",
        customer_id,
        payment_method_id,
    )


async def update_card(connection: Connection, *, customer_id: int, payment_method_id: int, card: Card) -> None:
    """
    Write down what the card is now.
    """
    await connection.execute(
        """
        UPDATE payment_methods SET brand = $3, last4 = $4, expires_month = $5, expires_year = $6, fingerprint = $7
        WHERE customer_id = $1 AND id = $2
        """,
        customer_id,
        payment_method_id,
        card.brand,
        card.last4,
        card.expires_month,
        card.expires_year,
        card.fingerprint,
    )


async def mark_removed(
    connection: Connection, *, customer_id: int, payment_method_id: int, removed_at: datetime
) -> None:
    """
    Note that a payment method is removed, and no default any more.
    """
    await connection.execute(
        """
        UPDATE payment_methods SET removed_at = $3, is_default = false
        WHERE customer_id = $1 AND id = $2
        """,
        customer_id,
        payment_method_id,
        removed_at,
    )


async def insert_card_bonus_once(
    connection: Connection, *, customer_id: int, fingerprint: str, granted_at: datetime
) -> bool:
    """
    Claim the credits for adding a card; False when the card or the customer has had them. Waits for a rival.
    """
    claimed = await connection.fetchval(
        """
        INSERT INTO card_bonuses (fingerprint, customer_id, granted_at) VALUES ($1, $2, $3)
        ON CONFLICT DO NOTHING RETURNING true
        """,
        fingerprint,
        customer_id,
        granted_at,
    )
    return bool(claimed)
