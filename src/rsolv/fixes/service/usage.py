"""
Count the fixes a customer paid for.
"""

from datetime import datetime

from rsolv.db import Connection
from rsolv.fixes.queries import fixes


async def count_settled_since(connection: Connection, *, customer_id: int, since: datetime) -> int:
    """
    Count the fixes that consumed a credit since a time.
    """
    return await fixes.count_settled_since(connection, customer_id=customer_id, since=since)
