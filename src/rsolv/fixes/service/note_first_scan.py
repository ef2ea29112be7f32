"""
Note a customer's first scan.
"""

from rsolv import customers
from rsolv.db import Connection
from rsolv.fixes.rules import SCAN, PhaseCompleted


async def note_first_scan(connection: Connection, completed: PhaseCompleted) -> None:
    """
    Stamp `first_scan_at` at the first scan; later ones change nothing. Subscribes to `PhaseCompleted`.
    """
    if completed.phase == SCAN:
        await customers.stamp_first_scan(connection, customer_id=completed.customer_id, now=completed.occurred_at)
