"""
Note that a charge paid for a fix.
"""

from rsolv.charges import ChargeSettled
from rsolv.db import Connection
from rsolv.fixes.queries import fixes


async def settle_charged_fix(connection: Connection, settled: ChargeSettled) -> None:
    """
    Turn the fix of a settled charge from charging to consumed; a repeat changes nothing.

    Subscribes to `ChargeSettled`, so it runs in the transaction that posts the money and the credits.
    """
    await fixes.settle_charged_fix(
        connection, customer_id=settled.customer_id, fix_id=settled.fix_id, settled_at=settled.occurred_at
    )
