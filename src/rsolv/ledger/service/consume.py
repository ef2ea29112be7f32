"""
Consume credits for work we have done.
"""

from datetime import datetime

from rsolv.db import Connection
from rsolv.ledger.errors import InsufficientCredits
from rsolv.ledger.queries import moves, reads
from rsolv.ledger.rules import NO_BASIS, Basis, Cause, Posted
from rsolv.ledger.service.locking import find_repeat, lock_available

SOURCE = "consumed"


async def consume(
    connection: Connection,
    *,
    customer_id: int,
    credits: int,
    cause: Cause,
    now: datetime,
    basis: Basis = NO_BASIS,
    metadata: dict[str, object] | None = None,
) -> Posted:
    """
    Move credits from available to consumed, out of the grants in effect at *now*.

    Spends the earliest expiry first, then the oldest. Locks the customer's available credits until the transaction
    ends. Idempotent by *cause*: a repeat moves nothing and returns the first answer.

    Raises:
        InsufficientCredits: fewer can be spent than are needed; nothing is written.
        CauseReused: the cause posted before with other figures.
        CustomerHasNoLedger: no accounts were opened for this customer.
    """
    assert credits > 0, "a consumption is at least one credit"
    await lock_available(connection, customer_id=customer_id)
    facts = moves.PostingFacts(customer_id, cause, SOURCE, basis, metadata or {})
    posted = await moves.insert_consumption_once(connection, facts, credits_consumed=credits, at=now)
    if posted is not None:
        return posted
    repeat = await find_repeat(connection, customer_id=customer_id, cause=cause, source=SOURCE, credits_moved=-credits)
    if repeat is not None:
        return repeat
    spendable = await reads.get_spendable(connection, customer_id=customer_id, at=now)
    raise InsufficientCredits(needed=credits, spendable=spendable)
