"""
List a customer's keys.
"""

from rsolv.api_keys import queries
from rsolv.api_keys.rules import ApiKey
from rsolv.db import Connection

KEYS_AT_MOST = 200


async def list_keys(connection: Connection, *, customer_id: int) -> list[ApiKey]:
    """
    Return the customer's keys, newest first, revoked and expired ones too.
    """
    return await queries.list_keys(connection, customer_id=customer_id, limit=KEYS_AT_MOST)
