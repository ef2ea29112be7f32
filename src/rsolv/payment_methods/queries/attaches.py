"""
The statements about how often customers ask to add a card.
"""

from datetime import datetime

from rsolv.db import Connection


async def find_attach_by_recency(
    connection: Connection, *, customer_id: int, since: datetime, nth: int
) -> datetime | None:
    """
    Return when a customer asked the nth time from the end to add a card, if that was after a time.
    """
    asked_at: datetime | None = await connection.fetchval(
        """
        SELECT asked_at FROM card_attaches WHERE customer_id = $1 AND asked_at > $2
        ORDER BY asked_at DESC OFFSET $3 LIMIT 1
        """,
        customer_id,
        since,
        nth - 1,
    )
    return asked_at


async def has_asked(
    connection: Connection, *, customer_id: int, stripe_payment_method_id: str, since: datetime
) -> bool:
    """
    Say whether a customer asked to add this very card since a time.
    """
    return bool(
        await connection.fetchval(
            """
            SELECT EXISTS (
                SELECT FROM card_attaches
                WHERE customer_id = $1 AND stripe_payment_method_id = $2 AND asked_at > $3
            )
            """,
            customer_id,
            stripe_payment_method_id,
            since,
        )
    )


async def insert_attach(
    connection: Connection, *, customer_id: int, stripe_payment_method_id: str, asked_at: datetime
) -> None:
    """
    Write down that a customer asks to add a card, before Stripe is asked.
    """
    await connection.execute(
        "INSERT INTO card_attaches (customer_id, stripe_payment_method_id, asked_at) VALUES ($1, $2, $3)",
        customer_id,
        stripe_payment_method_id,
        asked_at,
    )
