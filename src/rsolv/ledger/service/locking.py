"""
What every verb does around its posting: take the lock, and recognise a cause that has posted before.
"""

from rsolv.db import Connection
from rsolv.ledger.errors import CauseReused, CustomerHasNoLedger
from rsolv.ledger.queries import moves, reads
from rsolv.ledger.rules import Cause, Posted


async def lock_available(connection: Connection, *, customer_id: int) -> int:
    """
    Lock the customer's available credits until the transaction ends and return how many there are.

    Raises:
        CustomerHasNoLedger: no accounts were opened for this customer.
    """
    balance = await moves.lock_available(connection, customer_id=customer_id)
    if balance is None:
        raise CustomerHasNoLedger(customer_id=customer_id)
    return balance


async def find_repeat(
    connection: Connection,
    *,
    customer_id: int,
    cause: Cause,
    source: str,
    credits_moved: int | None,
    corrects_posting_id: int | None = None,
) -> Posted | None:
    """
    Return what this very cause posted before, or None when it has not posted.

    *credits_moved* None: any figure is the same.

    Raises:
        CauseReused: it posted from another source, other credits, or as a correction of something else.
    """
    found = await reads.find_posting_by_cause(connection, customer_id=customer_id, cause=cause)
    if found is None:
        return None
    earlier_source, earlier_corrects, posted = found
    same_figure = credits_moved is None or posted.credits == credits_moved
    if earlier_source != source or earlier_corrects != corrects_posting_id or not same_figure:
        raise CauseReused(cause_kind=cause.kind, cause_id=cause.id)
    return posted
