"""
Take credits of one grant back, and give back what was taken.
"""

from collections.abc import Mapping

from rsolv.db import Connection
from rsolv.ledger.errors import UnknownPosting
from rsolv.ledger.queries import moves, reads
from rsolv.ledger.rules import NO_BASIS, Bucket, Cause, EntryToPost, Posted, TakenBack
from rsolv.ledger.service.locking import find_repeat, lock_available


async def take_back(
    connection: Connection,
    *,
    customer_id: int,
    grant_posting_id: int,
    credits_due: int,
    source: str,
    cause: Cause,
    metadata: Mapping[str, object] | None = None,
) -> TakenBack:
    """
    Take up to so many credits out of the bucket of one grant into `reversed`; what is spent already is the shortfall.

    Nothing left is no error and no posting. A bucket may be drawn on any number of times, each for its own *cause*.
    `give_back` undoes it, and so does `reverse`. Locks the customer's available credits until the transaction ends.
    Idempotent by *cause*: a repeat takes nothing more and returns the first answer.

    Raises:
        UnknownPosting: the customer has no such grant.
        CauseReused: the cause posted something else before.
        CustomerHasNoLedger: no accounts were opened for this customer.
    """
    assert credits_due >= 0, "credits are taken, not given"
    bucket = await _lock_bucket(connection, customer_id=customer_id, grant_posting_id=grant_posting_id)
    posted = await find_repeat(connection, customer_id=customer_id, cause=cause, source=source, credits_moved=None)
    drawn = min(bucket.remaining, credits_due)
    if posted is None and drawn > 0:
        facts = moves.PostingFacts(customer_id, cause, source, NO_BASIS, dict(metadata or {}))
        posted = await _move(connection, facts, bucket, credits_moved=-drawn)
    if posted is None:
        return TakenBack(posting_id=None, credits=0, shortfall_credits=credits_due)
    return TakenBack(posted.posting_id, -posted.credits, max(0, credits_due + posted.credits), posted.repeated)


async def give_back(
    connection: Connection,
    *,
    customer_id: int,
    grant_posting_id: int,
    credits: int,
    source: str,
    cause: Cause,
    metadata: Mapping[str, object] | None = None,
) -> Posted:
    """
    Return credits that `take_back` took to the bucket they came from; it cannot hold more than was granted.

    Locks the customer's available credits until the transaction ends. Idempotent by *cause*.

    Raises:
        UnknownPosting: the customer has no such grant.
        CauseReused: the cause posted other figures before.
        CustomerHasNoLedger: no accounts were opened for this customer.
    """
    bucket = await _lock_bucket(connection, customer_id=customer_id, grant_posting_id=grant_posting_id)
    posted = await find_repeat(connection, customer_id=customer_id, cause=cause, source=source, credits_moved=credits)
    if posted is not None:
        return posted
    assert 0 < credits <= bucket.credits - bucket.remaining, "no more than is missing"
    facts = moves.PostingFacts(customer_id, cause, source, NO_BASIS, dict(metadata or {}))
    return await _move(connection, facts, bucket, credits_moved=credits)


async def get_remaining(connection: Connection, *, customer_id: int, grant_posting_id: int) -> int:
    """
    Return how many credits of a grant can still be taken back, and lock the customer's until the transaction ends.

    Raises:
        UnknownPosting: the customer has no such grant.
        CustomerHasNoLedger: no accounts were opened for this customer.
    """
    return (await _lock_bucket(connection, customer_id=customer_id, grant_posting_id=grant_posting_id)).remaining


async def _lock_bucket(connection: Connection, *, customer_id: int, grant_posting_id: int) -> Bucket:
    await lock_available(connection, customer_id=customer_id)
    bucket = await reads.find_bucket(connection, customer_id=customer_id, grant_posting_id=grant_posting_id)
    if bucket is None:
        raise UnknownPosting(posting_id=grant_posting_id)
    return bucket


async def _move(connection: Connection, facts: moves.PostingFacts, bucket: Bucket, *, credits_moved: int) -> Posted:
    await moves.insert_accounts_once(connection, customer_id=facts.customer_id, kinds=["reversed"])
    entries = [EntryToPost("available", credits_moved, bucket.grant_id), EntryToPost("reversed", -credits_moved)]
    posted = await moves.insert_entries_once(connection, facts, entries)
    assert posted is not None, "the lock was held since we looked for a repeat"
    return posted
