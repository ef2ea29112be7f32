"""
Grant credits.
"""

from datetime import datetime

from rsolv.db import Connection
from rsolv.ledger.queries import moves
from rsolv.ledger.rules import NO_BASIS, Basis, Cause, Posted
from rsolv.ledger.service.locking import find_repeat, lock_available


async def grant(
    connection: Connection,
    *,
    customer_id: int,
    credits: int,
    source: str,
    cause: Cause,
    basis: Basis = NO_BASIS,
    metadata: dict[str, object] | None = None,
    effective_at: datetime | None = None,
    expires_at: datetime | None = None,
) -> Posted:
    """
    Move credits from issued to available, into a bucket of their own.

    They can be spent from *effective_at* (None: at once) until *expires_at* (None: for ever). Locks the customer's
    available credits until the transaction ends. Idempotent by *cause*: a repeat grants nothing more and returns
    the first answer.

    Raises:
        CauseReused: the cause posted before with other figures.
        CustomerHasNoLedger: no accounts were opened for this customer.
    """
    assert credits > 0, "a grant is at least one credit"
    await lock_available(connection, customer_id=customer_id)
    facts = moves.PostingFacts(customer_id, cause, source, basis, metadata or {})
    posted = await moves.insert_grant_once(
        connection, facts, credits_granted=credits, effective_at=effective_at, expires_at=expires_at
    )
    if posted is None:
        posted = await find_repeat(
            connection, customer_id=customer_id, cause=cause, source=source, credits_moved=credits
        )
    assert posted is not None, "only this cause's own posting keeps it from posting"
    return posted
