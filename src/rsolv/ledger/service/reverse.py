"""
Undo a posting by one more posting that names it.
"""

from rsolv.db import Connection
from rsolv.ledger.errors import AlreadyReversed, InsufficientCredits, UnknownPosting
from rsolv.ledger.queries import moves, reads
from rsolv.ledger.rules import Basis, Cause, Posted, PostedEntry, Reversed, entries_undoing, shortage_in_undoing
from rsolv.ledger.service.locking import find_repeat, lock_available

ENTRIES_AT_MOST = 10_000


async def reverse(
    connection: Connection,
    *,
    customer_id: int,
    posting_id: int,
    source: str,
    cause: Cause,
    reason: str,
) -> Reversed:
    """
    Undo one posting and leave both in the books.

    A reversed consumption flows back into the grants it came from. A reversed grant is taken back as far as it is
    unspent; `shortfall_credits` says how many were spent already (never an error). Locks the customer's available
    credits until the transaction ends. Idempotent by *cause*.

    Raises:
        UnknownPosting: the customer has no such posting.
        AlreadyReversed: it was reversed for another cause, or nothing of it is left to take back.
        InsufficientCredits: the posting was itself a reversal, and what it gave back has been spent since.
        CauseReused: the cause posted something else before.
        CustomerHasNoLedger: no accounts were opened for this customer.
    """
    await lock_available(connection, customer_id=customer_id)
    entries = await reads.list_posting_entries(
        connection, customer_id=customer_id, posting_id=posting_id, limit=ENTRIES_AT_MOST
    )
    if not entries:
        raise UnknownPosting(posting_id=posting_id)
    repeat = await find_repeat(
        connection,
        customer_id=customer_id,
        cause=cause,
        source=source,
        credits_moved=None,
        corrects_posting_id=posting_id,
    )
    if repeat is not None:
        return _answer(repeat, entries)
    undoing = entries_undoing(entries)
    if not undoing or await reads.find_correction(connection, customer_id=customer_id, posting_id=posting_id):
        raise AlreadyReversed(posting_id=posting_id)
    shortage = shortage_in_undoing(undoing, entries)
    if shortage is not None:
        raise InsufficientCredits(needed=shortage[0], spendable=shortage[1])
    await moves.insert_accounts_once(
        connection, customer_id=customer_id, kinds=[entry.account_kind for entry in undoing]
    )
    facts = moves.PostingFacts(customer_id, cause, source, Basis(), {"reason": reason}, corrects_posting_id=posting_id)
    posted = await moves.insert_entries_once(connection, facts, undoing)
    assert posted is not None, "the lock was held since we looked for a repeat"
    return _answer(posted, entries)


def _answer(posted: Posted, entries: list[PostedEntry]) -> Reversed:
    moved = sum(entry.amount for entry in entries if entry.grant_id is not None)
    shortfall = max(0, moved + posted.credits)
    return Reversed(posted.posting_id, posted.credits, posted.balance_after, shortfall, repeated=posted.repeated)
