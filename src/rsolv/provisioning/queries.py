"""
What provisioning asks of its database.
"""

from collections.abc import Iterable
from datetime import datetime

from rsolv.db import Connection


async def insert_onboarding_events(
    connection: Connection, *, customer_id: int, event_types: Iterable[str], occurred_at: datetime
) -> None:
    """
    Note that these steps of a customer's onboarding succeeded.
    """
    await connection.execute(
        """
        INSERT INTO customer_onboarding_events (customer_id, event_type, status, occurred_at)
        SELECT $1, event_type, 'success', $3 FROM unnest($2::text[]) AS event_type
        """,
        customer_id,
        list(event_types),
        occurred_at,
    )


async def insert_onboarding_event_once(
    connection: Connection, *, customer_id: int, event_type: str, occurred_at: datetime
) -> None:
    """
    Note that a step of a customer's onboarding succeeded, unless it is noted; whoever else notes it waits.
    """
    await connection.execute("SELECT FROM customers WHERE id = $1 FOR NO KEY UPDATE", customer_id)
    await connection.execute(
        """
        INSERT INTO customer_onboarding_events (customer_id, event_type, status, occurred_at)
        SELECT $1, $2, 'success', $3
        WHERE NOT EXISTS (SELECT FROM customer_onboarding_events WHERE customer_id = $1 AND event_type = $2)
        """,
        customer_id,
        event_type,
        occurred_at,
    )
