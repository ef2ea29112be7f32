"""
Show what was taken back.
"""

from rsolv.charges import ChargePosting
from rsolv.db import Connection
from rsolv.reversals.errors import PostedByReversal
from rsolv.reversals.queries import reversals
from rsolv.reversals.rules import Paid, Reversal

AT_MOST = 1_000


async def find_reversal(connection: Connection, *, customer_id: int, stripe_object_id: str) -> Reversal | None:
    """
    Return what a refund or a dispute took back, None when it took nothing so far.
    """
    return await reversals.find_reversal(connection, customer_id=customer_id, stripe_object_id=stripe_object_id)


async def list_reversals(connection: Connection, *, customer_id: int, paid: Paid) -> list[Reversal]:
    """
    Return what was taken back of a charge or an invoice, restored or not, the first to come first.
    """
    return await reversals.list_reversals(
        connection, customer_id=customer_id, source_kind=paid.kind, source_id=paid.id, state=None, limit=AT_MOST
    )


async def require_no_reversal(connection: Connection, *, customer_id: int, posting_id: int) -> None:
    """
    Insist that a posting may be undone by hand: those of reversals are not, or the two would part.

    Raises:
        PostedByReversal: it was made for a refund or a dispute.
    """
    stripe_object_id = await reversals.find_reversal_of_posting(
        connection, customer_id=customer_id, posting_id=posting_id
    )
    if stripe_object_id is not None:
        raise PostedByReversal(posting_id=posting_id, stripe_object_id=stripe_object_id)


async def list_postings(connection: Connection, *, customer_id: int, paid: Paid) -> list[ChargePosting]:
    """
    Return what the reversals of a charge or an invoice posted in the ledger, in order.
    """
    return await reversals.list_postings(connection, customer_id=customer_id, paid=paid, limit=AT_MOST)
