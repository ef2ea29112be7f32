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
