"""
Show disputes.
"""

from rsolv.db import Connection
from rsolv.disputes.errors import UnknownDispute
from rsolv.disputes.queries import disputes
from rsolv.disputes.rules import Dispute


async def get_dispute_by_stripe_id(connection: Connection, *, stripe_dispute_id: str) -> Dispute:
    """
    Return a dispute; whose it is, is part of the answer.

    Raises:
        UnknownDispute: we have heard of none of this id.
    """
    customer_id = await disputes.find_owner_by_stripe_id(connection, stripe_dispute_id)
    if customer_id is None:
        raise UnknownDispute(stripe_dispute_id=stripe_dispute_id)
    found = await disputes.find_dispute(connection, customer_id=customer_id, stripe_dispute_id=stripe_dispute_id)
    assert found is not None, "the look-up refers to it"
    return found


async def list_disputes(connection: Connection, *, customer_id: int, limit: int) -> list[Dispute]:
    """
    Return a customer's disputes, newest first, at most *limit*.
    """
    return await disputes.list_disputes(connection, customer_id=customer_id, limit=limit)


async def list_disputes_for_operator(connection: Connection, *, limit: int) -> list[Dispute]:
    """
    Return everybody's disputes, newest first, at most *limit*.
    """
    return await disputes.list_disputes_for_operator(connection, limit=limit)
