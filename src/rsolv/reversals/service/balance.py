"""
Bring reversals to what they are to take, by postings that name them.
"""

from rsolv import ledger
from rsolv.db import Connection
from rsolv.reversals.queries import reversals
from rsolv.reversals.rules import ACCOUNTS, SOURCES, Reversal, Share, Source, shares

REVERSALS_AT_MOST = 10_000


async def list_live(connection: Connection, source: Source, *, customer_id: int) -> list[Reversal]:
    """
    Return the reversals of a payment that hold something, the first to come first.
    """
    return await reversals.list_reversals(
        connection,
        customer_id=customer_id,
        source_kind=source.kind,
        source_id=source.id,
        state="taken",
        limit=REVERSALS_AT_MOST,
    )


async def count_takable(connection: Connection, source: Source, live: list[Reversal], *, customer_id: int) -> int:
    """
    Return how many credits reversals can hold: those they do, and those that are left in the grant's bucket.
    """
    if source.grant_posting_id is None:
        return 0
    left = await ledger.get_remaining(connection, customer_id=customer_id, grant_posting_id=source.grant_posting_id)
    return left + sum(reversal.credits_taken for reversal in live)


async def balance(connection: Connection, source: Source, *, customer_id: int) -> None:
    """
    Bring all that was taken back of a payment to what the credits that are left allow.
    """
    live = await list_live(connection, source, customer_id=customer_id)
    takable = await count_takable(connection, source, live, customer_id=customer_id)
    await bring(connection, live, shares(source, [each.amount_cents for each in live], credits_takable=takable))


async def bring(connection: Connection, live: list[Reversal], shares_due: list[Share]) -> None:
    """
    Correct those reversals that hold something else than their share; who has too much gives first.
    """
    pairs = list(zip(live, shares_due, strict=True))
    for reversal, share in sorted(pairs, key=lambda pair: pair[1].credits_taken - pair[0].credits_taken):
        held = Share(reversal.credits_due, reversal.credits_taken, reversal.receivable_cents)
        if held != share:
            await _correct(connection, reversal, share)


async def _correct(connection: Connection, reversal: Reversal, share: Share) -> None:
    number = reversal.corrections + 1
    await move_credits(connection, reversal, share.credits_taken - reversal.credits_taken, leg=f"credits_{number}")
    owed_cents = share.receivable_cents - reversal.receivable_cents
    if owed_cents:
        await ledger.post_money(
            connection,
            customer_id=reversal.customer_id,
            currency=reversal.currency,
            amounts_cents={"receivable": owed_cents, ACCOUNTS[reversal.kind]: -owed_cents},
            source=SOURCES[reversal.kind],
            cause=ledger.Cause(reversal.kind, reversal.stripe_object_id, f"money_{number}"),
            metadata=reversal.source.paid.facts,
        )
    await reversals.correct_reversal(connection, reversal, share)


async def move_credits(connection: Connection, reversal: Reversal, credits_more: int, *, leg: str) -> None:
    """
    Take so many more credits for a reversal, or give back as many as it has too much.
    """
    if credits_more == 0:
        return
    assert reversal.grant_posting_id is not None, "without a grant there are no credits"
    cause = ledger.Cause(reversal.kind, reversal.stripe_object_id, leg)
    metadata = reversal.source.paid.facts
    if credits_more < 0:
        await ledger.give_back(
            connection,
            customer_id=reversal.customer_id,
            grant_posting_id=reversal.grant_posting_id,
            credits=-credits_more,
            source=SOURCES[reversal.kind],
            cause=cause,
            metadata=metadata,
        )
        return
    taken = await ledger.take_back(
        connection,
        customer_id=reversal.customer_id,
        grant_posting_id=reversal.grant_posting_id,
        credits_due=credits_more,
        source=SOURCES[reversal.kind],
        cause=cause,
        metadata=metadata,
    )
    assert taken.shortfall_credits == 0, "counted under the same lock"
