"""
Move money between a customer's accounts.
"""

from collections.abc import Mapping

from rsolv.db import Connection
from rsolv.ledger.errors import CauseReused
from rsolv.ledger.queries import money, moves
from rsolv.ledger.rules import NO_BASIS, Basis, Cause, MoneyPosted
from rsolv.ledger.service.locking import lock_available


async def post_money(
    connection: Connection,
    *,
    customer_id: int,
    currency: str,
    amounts_cents: Mapping[str, int],
    source: str,
    cause: Cause,
    basis: Basis = NO_BASIS,
    metadata: dict[str, object] | None = None,
) -> MoneyPosted:
    """
    Post these signed amounts, in minor units of *currency*, on the accounts of these kinds; they sum to zero.

    Accounts that are not there yet are opened. Takes the lock of the customer's available credits first, as every verb
    does, so that a charge's money and its credits are moved in one order. Idempotent by *cause*: a repeat moves nothing
    and returns the first answer.

    Raises:
        CauseReused: the cause posted before with other figures.
        CustomerHasNoLedger: no accounts were opened for this customer.
    """
    assert len(amounts_cents) > 1, "a posting has two entries or more"
    assert sum(amounts_cents.values()) == 0, "a posting sums to zero"
    await lock_available(connection, customer_id=customer_id)
    found = await money.find_money_posting(connection, customer_id=customer_id, cause=cause)
    if found is not None:
        earlier_id, earlier_source, earlier_moves = found
        if (earlier_source, earlier_moves) != (source, {currency: dict(amounts_cents)}):
            raise CauseReused(cause_kind=cause.kind, cause_id=cause.id)
        return MoneyPosted(posting_id=earlier_id, repeated=True)
    await money.insert_money_accounts_once(
        connection, customer_id=customer_id, currency=currency, kinds=sorted(amounts_cents)
    )
    facts = moves.PostingFacts(customer_id, cause, source, basis, metadata or {})
    posting_id = await money.insert_money_posting_once(connection, facts, currency=currency, moves=amounts_cents)
    assert posting_id is not None, "the lock was held since we looked for a repeat"
    return MoneyPosted(posting_id=posting_id)


async def money_balances(connection: Connection, *, customer_id: int) -> dict[str, dict[str, int]]:
    """
    Return a customer's balances in minor units, by currency and kind of account; no account, no entry.
    """
    return await money.list_money_balances(connection, customer_id=customer_id)
