"""
Let an issue be billed again whose fix was reversed.
"""

from rsolv.db import Connection
from rsolv.fixes.queries import fixes


async def free_reversed_fix(connection: Connection, *, customer_id: int, posting_id: int) -> bool:
    """
    Mark the fix as reversed whose consumption was undone, in the transaction that undid it.

    False, and nothing changes, when the posting was not a fix's or has not been undone. The identity of a reversed fix
    is free: the next report of the issue is a new fix. A repeat changes nothing.
    """
    return await fixes.mark_reversed(connection, customer_id=customer_id, posting_id=posting_id)
