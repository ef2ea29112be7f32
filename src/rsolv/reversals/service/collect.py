"""
Take the credits that were due and spent, once they flow back.
"""

from rsolv import ledger
from rsolv.db import Connection
from rsolv.reversals.queries import reversals
from rsolv.reversals.service.balance import balance

SOURCES_AT_MOST = 1_000


async def collect_shortfall(connection: Connection, *, customer_id: int) -> None:
    """
    Take what reversals of a customer's payments still lack, as far as it is there; as much less is receivable.

    To be called in the transaction that undoes a consumption, so that a refund before it and one after it end in the
    same books. Locks the customer's credits until the transaction ends. A repeat changes nothing.
    """
    await ledger.lock_available(connection, customer_id=customer_id)
    short = await reversals.list_short_sources(connection, customer_id=customer_id, limit=SOURCES_AT_MOST)
    for row in short:
        found = await reversals.list_reversals(
            connection,
            customer_id=customer_id,
            source_kind=row["source_kind"],
            source_id=row["source_id"],
            state="taken",
            limit=1,
        )
        await balance(connection, found[0].source, customer_id=customer_id)
