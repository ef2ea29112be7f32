"""
Bill what was recorded while billing was off.
"""

from datetime import datetime

from rsolv.db import Connection
from rsolv.fixes.queries import fixes
from rsolv.fixes.service.bill import bill


async def bill_next_recorded(connection: Connection, *, after_id: int, now: datetime) -> int | None:
    """
    Bill the oldest recorded fix after an id, at the price of its time, and return its id; None when there is none.

    One transaction each, in the order of their recording. Whoever else bills the same fix waits, and finds it billed.
    """
    fix = await fixes.lock_recorded_fix_by_order(connection, after_id=after_id)
    if fix is None:
        return None
    await bill(connection, fix, now=now)
    return fix.id
