"""
Correct a balance by hand, with a reason.
"""

from datetime import datetime

from rsolv.db import Connection
from rsolv.ledger.errors import InsufficientCredits
from rsolv.ledger.queries import moves, reads
from rsolv.ledger.rules import Basis, Cause, EntryToPost, Posted, draws_taking
from rsolv.ledger.service.grant import grant
from rsolv.ledger.service.locking import find_repeat, lock_available

SOURCE = "adjustment"
BUCKETS_AT_MOST = 10_000


async def adjust(
    connection: Connection,
    *,
    customer_id: int,
    credits: int,
    reason: str,
    cause: Cause,
    now: datetime,
) -> Posted:
    """
    Give credits (positive) as a grant, or take them (negative) into `reversed`, keeping the *reason* in the metadata.

    Taking draws on the grants in the order in which they would be spent. Locks the customer's available credits until
    the transaction ends. Idempotent by *cause*: a repeat moves nothing and returns the first answer.

    Raises:
        InsufficientCredits: more would be taken than can be spent; nothing is written.
        CauseReused: the cause posted before with other figures.
        CustomerHasNoLedger: no accounts were opened for this customer.
    """
    assert credits != 0, "an adjustment moves something"
    metadata: dict[str, object] = {"reason": reason}
    if credits > 0:
        return await grant(
            connection,
            customer_id=customer_id,
            credits=credits,
            source=SOURCE,
            cause=cause,
            metadata=metadata,
        )
    await lock_available(connection, customer_id=customer_id)
    repeat = await find_repeat(connection, customer_id=customer_id, cause=cause, source=SOURCE, credits_moved=credits)
    if repeat is not None:
        return repeat
    buckets = await reads.list_spendable(connection, customer_id=customer_id, at=now, limit=BUCKETS_AT_MOST)
    spendable = sum(remaining for _, remaining in buckets)
    if spendable < -credits:
        raise InsufficientCredits(needed=-credits, spendable=spendable)
    draws = draws_taking(-credits, buckets)
    await moves.insert_accounts_once(connection, customer_id=customer_id, kinds=["reversed"])
    facts = moves.PostingFacts(customer_id, cause, SOURCE, Basis(), metadata)
    posted = await moves.insert_entries_once(connection, facts, [*draws, EntryToPost("reversed", -credits)])
    assert posted is not None, "the lock was held since we looked for a repeat"
    return posted
